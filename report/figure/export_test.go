package figure

import (
	"fmt"

	"golang.org/x/image/font/sfnt"
)

// Unreadable lists the labels of a figure that cannot be read, in any of its
// drawings: those that leave the drawing, overlap another label or hold a letter
// that the typeface lacks (PNG and PDF would drop it without a word). It also
// counts the labels.
func Unreadable(fig *Figure) (problems []string, labels int) {
	type placed struct {
		box
		text string
	}
	var (
		f   = newFaces()
		buf sfnt.Buffer
	)
	for _, fr := range []frame{wideFrame, narrowFrame, fileFrame} {
		s := fig.layout(fr)
		say := func(format string, args ...any) {
			problems = append(problems, fmt.Sprintf("%s at width %g: ", fig.ID, fr.w)+fmt.Sprintf(format, args...))
		}
		for _, unit := range []string{"nats", "bits"} {
			var boxes []placed
			for _, it := range s.items {
				if it.kind != label || it.unit != "" && it.unit != unit {
					continue
				}
				labels++
				b := placed{f.extent(it), it.text.String()}
				for _, span := range it.text {
					for _, c := range span.Text {
						if g, err := f.face(it.size, span.Style).Face.GlyphIndex(&buf, c); err != nil || g == 0 {
							say("no letter %q (%U) for %q", c, c, b.text)
						}
					}
				}
				if b.left < -1 || b.right > s.w+1 || b.top < -1 || b.bottom > s.h+1 {
					say("%q leaves the drawing: %+v", b.text, b.box)
				}
				for _, o := range boxes {
					if b.overlaps(o.box) {
						say("%q overlaps %q", b.text, o.text)
					}
				}
				boxes = append(boxes, b)
			}
		}
	}
	return problems, labels
}

// NoteIsCrossed says whether a line of the figure's curves runs through its first note.
func NoteIsCrossed(fig *Figure) bool {
	faces := newFaces()
	for _, fr := range []frame{wideFrame, narrowFrame, fileFrame} {
		s := fig.layout(fr)
		for _, it := range s.items {
			if it.kind != label || it.text.String() != fig.Notes[0].Text.String() {
				continue
			}
			for _, line := range s.items {
				if line.kind == polyline && line.curve > 0 && len(clipLine(line.points, faces.extent(it))) > 0 {
					return true
				}
			}
		}
	}
	return false
}
