// Package pairs holds package count against its peers, on the same tokens, in
// turns within one run: DuckDB here, Python in peers.py, C++ in
// testdata/peers.cpp.
package pairs
