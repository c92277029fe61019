//go:build !amd64 || purego

package llama

func largest(x []float32) float32 { return largestGeneric(x) }

func sumExp(x []float32, top float32) float64 { return sumExpGeneric(x, top) }
