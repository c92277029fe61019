//go:build !unix

package main

import (
	"os"
	"time"
)

func ownOutput() (*os.File, error) { return os.Stdout, nil }

// spent is the time since this process started, where its share of the processors is not asked for.
func spent() time.Duration { return time.Since(started) }
