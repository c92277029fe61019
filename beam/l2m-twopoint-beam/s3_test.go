package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/ptest"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/l2m-lab/l2m/beam/twopoint"
)

func TestMain(m *testing.M) { ptest.MainWithDefault(m, "prism") }

// Documents, vocabulary and counts in a bucket are what they are in files.
func TestS3(t *testing.T) {
	server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	defer server.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
	} {
		t.Setenv(name, value)
	}
	object := func(method, name string, content []byte) []byte {
		t.Helper()
		request, err := http.NewRequest(method, server.URL+"/"+name, bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s %s %v", method, name, response.Status, body, err)
		}
		return body
	}
	object(http.MethodPut, "bucket", nil)
	dir, vocabulary := t.TempDir(), "../../token/vocabulary/testdata/gpt2.json"
	for name, text := range map[string]string{"a.txt": "one text and another text", "b.jsonl": "{\"text\": \"a line of text\"}\n", "c.fa": ">x\nACGTACGT\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		object(http.MethodPut, "bucket/texts/"+name, []byte(text))
	}
	json, err := os.ReadFile(vocabulary)
	if err != nil {
		t.Fatal(err)
	}
	object(http.MethodPut, "bucket/models/gpt2.json", json)

	local := filepath.Join(t.TempDir(), "counts.json")
	if err := run(twopoint.Options{Input: filepath.Join(dir, "*"), Tokens: vocabulary, Output: local, Sample: 1}, "1,2"); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(local)
	if err != nil {
		t.Fatal(err)
	}
	o := twopoint.Options{Input: "s3://bucket/texts/*", Tokens: "s3://bucket/models/gpt2.json", Output: "s3://bucket/out/counts.json", Sample: 1}
	if err := run(o, "1,2"); err != nil {
		t.Fatal(err)
	}
	if got := object(http.MethodGet, "bucket/out/counts.json", nil); !bytes.Equal(got, want) {
		t.Errorf("counts are\n%s\nin files and\n%s\nin a bucket", want, got)
	}
	o.Tokens = "s3://bucket/models/none.json"
	if err := run(o, "1,2"); err == nil || !strings.Contains(err.Error(), "s3://bucket/models/none.json") {
		t.Errorf("a vocabulary that is not there: error %v", err)
	}
}
