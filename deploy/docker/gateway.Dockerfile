# The REST gateway and its page: docker build -f deploy/docker/gateway.Dockerfile -t darkroom-gateway .
FROM python:3.12.11-slim-bookworm
COPY deploy/docker/gateway.lock /tmp/gateway.lock
RUN pip install --no-cache-dir -r /tmp/gateway.lock && pip check
COPY clients /src/clients
RUN pip install --no-cache-dir --no-deps /src/clients /src/clients/gateway \
    && useradd --system --uid 10002 --create-home darkroom
# A number, so that Kubernetes can see that it is not root.
USER 10002
WORKDIR /home/darkroom
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health/ready', timeout=5)"]
ENTRYPOINT ["python", "-m", "darkroom_gateway", "--host", "0.0.0.0"]
