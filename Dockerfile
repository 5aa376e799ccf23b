# One image for every Airflow component and for the one-shot migration; docker-compose.yaml says which one runs what.
# Built by the classic builder and by BuildKit alike.
FROM python:3.11-slim-bookworm

# Where pip finds torch. Empty: the package index that pip is configured for, whose torch for x86-64 Linux is the CUDA
# build (several GB that nothing here uses). Give the address of PyTorch's own CPU wheel index for the small build:
#   TORCH_INDEX=<address> in .env, or docker build --build-arg TORCH_INDEX=<address> .
ARG TORCH_INDEX=""

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/hourcast \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/var/lib/hourcast/airflow

# The numbers are fixed so that the volumes keep their owner when the image is built again.
RUN groupadd --gid 10001 hourcast \
 && useradd --uid 10001 --gid 10001 --create-home --shell /usr/sbin/nologin hourcast \
 && install -d -o hourcast -g hourcast -m 0750 \
    /var/lib/hourcast /var/lib/hourcast/airflow /var/lib/hourcast/models /var/lib/hourcast/logs /var/lib/hourcast/cache \
    /var/lib/hourcast/exports

# The lock changes seldom and takes minutes; the code changes often and takes seconds. Hence in this order.
COPY requirements.txt /opt/hourcast/requirements.txt
RUN python -m venv /opt/venv \
 && if [ -n "$TORCH_INDEX" ]; then \
      pip install --no-cache-dir --no-deps --index-url "$TORCH_INDEX" \
        "$(grep '^torch==' /opt/hourcast/requirements.txt)"; \
    fi \
 && pip install --no-cache-dir -r /opt/hourcast/requirements.txt \
 && pip check

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
