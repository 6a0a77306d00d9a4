# The app and the command line in one image. Build arguments: see docs/how-to/docker.md
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${PYTHON_IMAGE} AS build
ARG TORCH_INDEX=""
ARG PIP_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# PyTorch first, alone: TORCH_INDEX may be the index of its CPU builds, which holds little else
RUN python -m venv /opt/advisor \
    && /opt/advisor/bin/pip install ${TORCH_INDEX:+--index-url "${TORCH_INDEX}"} "torch>=2.6" "torchvision>=0.21"
WORKDIR /src
COPY pyproject.toml README.md LICENSE streamlit_app.py ./
COPY .streamlit .streamlit
COPY knowledge knowledge
COPY advisor advisor
RUN /opt/advisor/bin/pip install ".[starter,export]"

FROM ${PYTHON_IMAGE}
RUN useradd --uid 1000 --create-home advisor \
    && install --directory --owner advisor --mode 700 /data
COPY --from=build /opt/advisor /opt/advisor
ENV PATH=/opt/advisor/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ADVISOR_HOME=/data/advisor \
    HF_HOME=/data/hub \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_HEADLESS=true
USER 1000
WORKDIR /home/advisor
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["advisor", "app", "--port", "8501"]
