# One image for every Airflow component and for the one-shot migration; docker-compose.yaml says which one runs what.
# Built by the classic builder and by BuildKit alike, in two stages: the second takes the packages without what only
# an installation needs.

# To fix the base to the byte, give it with its digest: PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:... in .env.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE} AS packages

# Where pip finds torch. Empty: the package index that pip is configured for, whose torch for x86-64 Linux is the CUDA
# build (several GB that a CPU does not use). Give the address of PyTorch's own CPU wheel index for the small build:
#   TORCH_INDEX=<address> in .env, or docker build --build-arg TORCH_INDEX=<address> .
ARG TORCH_INDEX=""

# Which lock: requirements-kubernetes.txt adds Airflow's KubernetesExecutor (deploy/kubernetes).
ARG REQUIREMENTS=requirements.txt

ENV PATH=/opt/venv/bin:$PATH

# The lock changes seldom and takes minutes; the code changes often and takes seconds. Hence in this order.
COPY requirements.txt requirements-kubernetes.txt /opt/build/
RUN python -m venv /opt/venv \
 && if [ -n "$TORCH_INDEX" ]; then \
      pip install --no-cache-dir --no-compile --no-deps --index-url "$TORCH_INDEX" \
        "$(grep '^torch==' /opt/build/requirements.txt)"; \
    fi \
 && pip install --no-cache-dir --no-compile -r "/opt/build/$REQUIREMENTS" \
 && pip check
COPY docker/slim.sh /opt/build/
# torch has a file there in the syntax of a later Python, and nothing imports networkx.
RUN sh /opt/build/slim.sh /opt/venv && python -m compileall -q -j 0 -x 'torch/testing/_internal|/networkx/' /opt/venv/lib

FROM ${PYTHON_IMAGE}

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/hourcast \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/var/lib/hourcast/airflow

# The numbers are fixed so that the volumes keep their owner when the image is built again.
RUN groupadd --gid 10001 hourcast \
 && useradd --uid 10001 --gid 10001 --create-home --shell /usr/sbin/nologin hourcast \
 && install -d -o hourcast -g hourcast -m 0750 \
    /var/lib/hourcast /var/lib/hourcast/airflow /var/lib/hourcast/models /var/lib/hourcast/logs /var/lib/hourcast/cache \
    /var/lib/hourcast/exports /var/lib/hourcast/backups

COPY --from=packages /opt/venv /opt/venv

COPY docker /opt/hourcast/docker
COPY sql /opt/hourcast/sql
COPY plugins /opt/hourcast/plugins
COPY dags /opt/hourcast/dags
COPY include /opt/hourcast/include

# The code belongs to root, so that the product cannot change itself; compiled here, since nobody may write it later.
RUN chmod -R a+rX /opt/hourcast && python -m compileall -q /opt/hourcast/include /opt/hourcast/dags /opt/hourcast/docker

WORKDIR /opt/hourcast
USER hourcast
ENTRYPOINT ["/bin/sh", "/opt/hourcast/docker/start.sh"]
