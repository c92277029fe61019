module github.com/l2m-lab/l2m/llama

go 1.26.8

require (
	github.com/ebitengine/purego v0.11.3
	github.com/hybridgroup/yzma v1.28.0
	github.com/l2m-lab/l2m v0.0.0
	golang.org/x/sys v0.50.0
)

require (
	github.com/clipperhouse/uax29/v2 v2.7.0 // indirect
	github.com/jupiterrider/ffi v0.7.0 // indirect
)

replace github.com/l2m-lab/l2m => ../
