# One image for every service: the service is the argument.
#
#   docker build -t mithril .
#   docker run mithril mithril-api serve
#
# Both locks are hash-checked. A machine that reaches its package index through settings of
# its own hands them to the build, and to the build only (docs/operations.md, "The image"):
#   docker build --secret id=pip,src=/etc/pip.conf --secret id=ca,src=ca-bundle.crt …
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements/ requirements/
# The image's environment has neither pip nor the build backend: both stay in `tools`.
# Of the development lock, `tools` takes the entries that are hatchling or there via it.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    python3 -m venv tools \
 && python3 -m venv --without-pip /opt/mithril \
 && awk 'function judge() { if (entry ~ /^hatchling==|#[ a-z]* hatchling\n/) printf "%s", entry } \
         /^[a-z]/ { judge(); entry = "" } { entry = entry $0 "\n" } END { judge() }' \
      requirements/dev.txt > requirements/backend.txt \
 && tools/bin/pip install --quiet --require-hashes -r requirements/backend.txt \
 && tools/bin/pip --python /opt/mithril/bin/python \
      install --quiet --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md ./
COPY shared/ shared/
COPY services/ services/
RUN tools/bin/pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir wheels . \
 && tools/bin/pip --python /opt/mithril/bin/python \
      install --quiet --no-index --no-deps wheels/*.whl

FROM ${BASE_IMAGE}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mithril" \
      org.opencontainers.image.description="The access backbone of a national eHealth system" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/mithril /opt/mithril
# Byte code is in the image, so nothing is written at run time and the root may be read-only.
# A container's network is its own: both listeners take every address of it.
ENV PATH="/opt/mithril/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MITHRIL_HOST=0.0.0.0 \
    MITHRIL_INTERNAL_HOST=0.0.0.0
WORKDIR /
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["mithril"]
CMD ["mithril-api", "serve"]
