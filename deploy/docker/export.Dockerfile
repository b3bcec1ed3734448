# Fetches weights and exports what the repository lacks: docker build -f deploy/docker/export.Dockerfile -t darkroom-export .
FROM python:3.12.11-slim-bookworm
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN pip install --no-cache-dir -r requirements.lock && pip check
COPY darkroom darkroom
COPY export export
COPY demo demo
RUN useradd --system --uid 10001 --create-home darkroom
# A number, so that Kubernetes can see that it is not root.
USER 10001
# /src is root's; whoever runs this can write here.
ENV HOME=/tmp DARKROOM_WEIGHTS_CACHE=/tmp/weights
# The repository is mounted where python -m export looks for it.
VOLUME /src/model_repository
ENTRYPOINT ["python", "-m", "export"]
CMD ["all"]
