# harness-lint alone, for CI systems that run images:
#   docker build -t harness-lint .
#   docker run --rm -v "$PWD:/project:ro" harness-lint check
FROM rust:1.95-slim AS build
WORKDIR /build
COPY . .
RUN cargo build --release --locked --bin harness-lint

FROM debian:stable-slim
# git tells which files changed; without it the whole project is still checked.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /build/target/release/harness-lint /usr/local/bin/harness-lint
# The mounted project belongs to whoever runs the container, not to this user.
RUN git config --system --add safe.directory /project \
    && useradd --create-home lint
USER lint
WORKDIR /project
ENTRYPOINT ["harness-lint"]
