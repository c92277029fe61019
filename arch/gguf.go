package arch

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/internal/gguf"
)

// Limits of metadata. That of real files has up to tens of megabytes, mostly tokenizers,
// which are not kept.
const (
	maxMetadataBytes = 256 << 20
	maxStringBytes   = 64 << 10
)

// readGGUF reads the metadata section. It returns an object whose keys have no
// architecture prefix, and the architecture. Strings and arrays too long to be sizes are
// skipped, and no more than limit bytes are read.
func readGGUF(r io.Reader, limit int64) (*value, string, error) {
	read, err := gguf.Metadata(r, gguf.Limits{Bytes: limit, String: maxStringBytes, Numbers: maxList})
	if err != nil {
		return nil, "", err
	}
	all := map[string]value{}
	for key, v := range read {
		all[key] = valueOf(v)
	}
	name := all["general.architecture"]
	if err := refuseGGUF(all); err != nil {
		return nil, "", err
	}
	obj := &value{kind: kindObject, index: map[string]int{}}
	for key, v := range all {
		short, ours := strings.CutPrefix(key, name.text+".")
		if !ours || v.kind == kindNull {
			continue
		}
		obj.index[short] = len(obj.items)
		obj.names = append(obj.names, short)
		obj.items = append(obj.items, v)
	}
	return obj, name.text, nil
}

// valueOf is a value of the metadata as one of a configuration.
func valueOf(v any) value {
	switch v := v.(type) {
	case bool:
		return value{kind: kindBool, flag: v}
	case string:
		return value{kind: kindString, text: strings.ToValidUTF8(v, "�")}
	case uint64:
		return value{kind: kindNumber, text: strconv.FormatUint(v, 10)}
	case int64:
		return value{kind: kindNumber, text: strconv.FormatInt(v, 10)}
	case float32:
		return value{kind: kindNumber, text: strconv.FormatFloat(float64(v), 'g', -1, 32)}
	case float64:
		return value{kind: kindNumber, text: strconv.FormatFloat(v, 'g', -1, 64)}
	case []any:
		list := value{kind: kindArray}
		for _, x := range v {
			list.items = append(list.items, valueOf(x))
		}
		return list
	}
	return value{}
}

// refuseGGUF returns an error for a file that does not describe a language model.
func refuseGGUF(all map[string]value) error {
	name := all["general.architecture"].text
	number := func(key string) int {
		n, _ := strconv.Atoi(all[key].text)
		return n
	}
	switch kind := all["general.type"].text; {
	case number("split.no") > 0 && name == "":
		return fmt.Errorf("this is part %d of %d of a split file, and only the first part describes the model: name that (…-00001-of-%05d.gguf)",
			number("split.no")+1, number("split.count"), number("split.count"))
	case kind == "adapter" || all["adapter.type"].text != "":
		return errAdapter
	case kind == "mmproj" || name == "clip":
		return errors.New("this is a projector, which turns images or sound into tokens and keeps no history state: name the file of the language model")
	case kind == "imatrix" || kind == "vocab":
		return fmt.Errorf("this file holds a %s, not a model", map[string]string{"imatrix": "matrix of importances", "vocab": "vocabulary"}[kind])
	case name == "":
		return errors.New("general.architecture is missing or not a string")
	}
	return nil
}
