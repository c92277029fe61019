// Package pairs compares package count with other programs on the same tokens,
// alternating within one run: DuckDB here, Python in peers.py, C++ in
// testdata/peers.cpp.
package pairs
