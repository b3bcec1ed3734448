# Triton with Darkroom's models: docker build -f deploy/docker/triton.Dockerfile -t darkroom-triton .
# 25.07 is the newest release on CUDA 12, so the one for driver branch R535 (535.86 or later); it has Python 3.12 and the
# fixes of Triton's holes of 2025. For a newer driver name a newer one, and an onnxruntime-gpu for its CUDA:
#   docker build --build-arg TRITON=25.10-py3 --build-arg ONNXRUNTIME_GPU=1.31.0 ...   (CUDA 13)
ARG TRITON=25.07-py3
FROM nvcr.io/nvidia/tritonserver:${TRITON}
SHELL ["/bin/bash", "-o", "pipefail", "-c"]

# The image's own release of Ubuntu says which version.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*

ARG ONNXRUNTIME_GPU=1.26.0
COPY deploy/docker/triton.lock /tmp/triton.lock
RUN python3 -m venv /opt/darkroom \
    && sed -i "s/^onnxruntime-gpu==.*/onnxruntime-gpu==${ONNXRUNTIME_GPU}/" /tmp/triton.lock \
    && /opt/darkroom/bin/pip install --no-cache-dir -r /tmp/triton.lock \
    && /opt/darkroom/bin/pip check

COPY pyproject.toml README.md LICENSE /src/
COPY darkroom /src/darkroom
RUN /opt/darkroom/bin/pip install --no-cache-dir --no-deps /src \
    && useradd --system --uid 10001 --create-home darkroom \
    && install -d -o darkroom /var/lib/darkroom /var/cache/darkroom

# The stubs find this environment by PATH. Engines and pins are the only things kept; both are volumes.
ENV PATH=/opt/darkroom/bin:${PATH} \
    DARKROOM_TRITON=/opt/tritonserver \
    DARKROOM_STATE_DIR=/var/lib/darkroom \
    DARKROOM_ENGINE_CACHE=/var/cache/darkroom
# A number, so that Kubernetes can see that it is not root.
USER 10001
WORKDIR /home/darkroom
EXPOSE 8000 8001 8002 8003
HEALTHCHECK --interval=10s --timeout=6s --start-period=30m --start-interval=5s --retries=3 \
    CMD ["python", "-m", "darkroom.server.health"]
# No shell between the supervisor and SIGTERM, and none of the base image's banners.
ENTRYPOINT ["python", "-m", "darkroom.server", "--host", "0.0.0.0", "--repository", "/models"]
