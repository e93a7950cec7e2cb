# Two images, by hand, with BuildKit or Buildah:
#
#   docker build --target cpu --build-arg TORCH_INDEX=URL -t seqgan-wgp .
#   docker build --target cuda -t seqgan-wgp:cuda .
#   docker run --rm seqgan-wgp generate words -n 10
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" seqgan-wgp train names.txt --minutes 3
#   docker run --rm --gpus all --user "$(id -u):$(id -g)" -v "$PWD:/data" seqgan-wgp:cuda train names.txt --minutes 3
#
# TORCH_INDEX is the package index of PyTorch's CPU builds, as its installation page names it. On Linux the build on PyPI
# has CUDA; that is what the second image takes. It needs a driver on the host, but no CUDA in the image.
# With --user the run belongs to you; without it the command runs as user 1000, who must be allowed to write into the
# folder. The engine `compiled` needs a C++ compiler, which these images lack: training then stays with `eager`.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
WORKDIR /src
RUN pip install --no-cache-dir build
COPY . .
RUN python -m build --wheel --outdir /dist

FROM python:${PYTHON}-slim AS base
# A user without an entry in /etc/passwd, as --user may name, has no home folder; some libraries want one.
# What would be cached is lost with the container.
ENV HOME=/tmp PYTHONUNBUFFERED=1 SEQGAN_WGP_CACHE=
RUN useradd --uid 1000 user && mkdir /data && chown user /data

FROM base AS cuda
RUN --mount=from=build,source=/dist,target=/dist pip install --no-cache-dir /dist/*.whl
USER user
WORKDIR /data
ENTRYPOINT ["seqgan-wgp"]

FROM base AS cpu
ARG TORCH_INDEX
RUN test -n "$TORCH_INDEX" || { echo "give --build-arg TORCH_INDEX=URL, the index of PyTorch's CPU builds" >&2; exit 1; }
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" torch
RUN --mount=from=build,source=/dist,target=/dist pip install --no-cache-dir /dist/*.whl
USER user
WORKDIR /data
ENTRYPOINT ["seqgan-wgp"]
