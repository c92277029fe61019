#!/usr/bin/env bash
# Serves a model by SGLang on the processor alone, at port PORT (8099).
#
#   bench/servers/sglang.sh VENV MODEL NAME [OPTION …]
#
# VENV is a virtual environment, made here if it does not exist: 6 GB, as PyPI has torch with
# the libraries of a GPU only. MODEL is a folder of Transformers (from_gguf.py).
set -euo pipefail
venv=$1 model=$2 name=$3; shift 3
if [ ! -e "$venv/stub" ]; then
	python3 -m venv "$venv"
	"$venv/bin/pip" install -q uv
	# What is for GPUs alone is left out.
	"$venv/bin/uv" pip install -q --python "$venv/bin/python" sglang==0.5.23 accelerate --override <(
		echo torch==2.13.0
		printf "%s; python_version < '3'\n" cuda-python flash-attn-4 flashinfer_python humming-kernels nvidia-cutlass-dsl nvidia-mathdx \
			nvshmem4py-cu13 quack-kernels sgl-deep-ep sgl-deep-gemm sgl-flash-mla sglang-kernel smg-grpc-servicer tilelang tml-renderers torch_memory_saver)
	# Its own kernels for processors are not on PyPI. Without them it computes all by torch, but
	# still wants this function of vLLM by name.
	mkdir -p "$venv/stub/vllm"
	touch "$venv/stub/vllm/__init__.py"
	echo 'rotary_embedding = None' >"$venv/stub/vllm/_custom_ops.py"
fi
export PYTHONPATH=$venv/stub HF_HUB_OFFLINE=1
exec "$venv/bin/python" -W ignore -m sglang.launch_server --model-path "$model" --served-model-name "$name" --port "${PORT:-8099}" \
	--device cpu --dtype float32 --attention-backend torch_native --sampling-backend pytorch --disable-overlap-schedule \
	--skip-server-warmup --mem-fraction-static 0.1 --max-total-tokens 8192 "$@"
