//go:build !unix

package main

import "os"

func ownOutput() (*os.File, error) { return os.Stdout, nil }
