# AYS Studio in a container, on CPU or GPU.
#   docker build -t ays-studio .
#   docker run -p 7860:7860 -v ays-models:/home/user/models ays-studio
# PIP_ARGS is passed on to pip: a wheel index for torch without CUDA makes a smaller image.
FROM python:3.12-slim
ARG PIP_ARGS=""

RUN useradd --create-home --uid 1000 user
USER user
WORKDIR /home/user/app
ENV HOME=/home/user \
    PATH=/home/user/.local/bin:$PATH \
    HF_HOME=/home/user/models \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_ANALYTICS_ENABLED=False \
    PYTHONUNBUFFERED=1

COPY --chown=user requirements.txt .
RUN pip install --user --no-cache-dir $PIP_ARGS -r requirements.txt
COPY --chown=user . .

# Weights of real models stay here across containers.
RUN mkdir -p /home/user/models
VOLUME /home/user/models
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/', timeout=4)"
CMD ["python", "app.py"]
