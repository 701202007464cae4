# The image of ops-exporter: exporter, action service and simulator are commands of one program.
#
#   docker build --tag ops-exporter .
#   docker run --rm ops-exporter check-config
#
# It needs no root, no shell and no writable root file system. What must last is kept in /var/lib/ops.

ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
# The packages change more rarely than the code: they are a layer of their own.
COPY requirements.lock requirements-build.lock ./
RUN python3 -m venv /opt/build \
 && python3 -m venv --without-pip /opt/ops-exporter \
 && /opt/build/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements-build.lock \
 && /opt/build/bin/pip --python /opt/ops-exporter install --no-cache-dir --no-deps --require-hashes \
    -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY docs/runbook.md docs/
COPY exporter exporter
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --no-index \
    --wheel-dir /wheel . \
 && /opt/build/bin/pip --python /opt/ops-exporter install --no-cache-dir --no-deps --no-index /wheel/*.whl \
 && mkdir -p /empty /secrets/api /secrets/actions /secrets/alertmanager /secrets/grafana \
    /rendered/alertmanager /rendered/grafana/dashboards /rendered/prometheus/rules

FROM ${BASE}
COPY --from=build /opt/ops-exporter /opt/ops-exporter
# A new volume takes its owner from the folder that it is mounted on.
COPY --from=build --chown=65532:65532 /empty /var/lib/ops
COPY --from=build --chown=65532:65532 /secrets /run/ops
COPY --from=build --chown=65532:65532 /rendered /rendered
ARG REVISION=
ENV PATH=/opt/ops-exporter/bin:$PATH OPS_REVISION=$REVISION
USER 65532:65532
EXPOSE 9847 9848
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["ops-exporter", "health"]
ENTRYPOINT ["ops-exporter"]
CMD ["serve"]
