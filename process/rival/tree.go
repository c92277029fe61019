package rival

import (
	"container/heap"
	"math"
)

// tree is a k-d tree of points under the maximum norm.
type tree struct {
	points [][]float64
	nodes  []node
	order  []int // point indices, those of a node contiguous
}

// node covers order[from:to]; leaves have no children.
type node struct {
	from, to    int
	left, right int // node indices, 0 for a leaf
	lo, hi      []float64
}

const leafSize = 12

func newTree(points [][]float64) *tree {
	t := &tree{points: points, order: make([]int, len(points))}
	for i := range t.order {
		t.order[i] = i
	}
	t.build(0, len(points))
	return t
}

// build makes the node of order[from:to], split at the median of its widest
// coordinate.
func (t *tree) build(from, to int) int {
	d := len(t.points[0])
	n := node{from: from, to: to, lo: make([]float64, d), hi: make([]float64, d)}
	for j := range d {
		n.lo[j], n.hi[j] = math.Inf(1), math.Inf(-1)
	}
	for _, i := range t.order[from:to] {
		for j, x := range t.points[i] {
			n.lo[j], n.hi[j] = math.Min(n.lo[j], x), math.Max(n.hi[j], x)
		}
	}
	at := len(t.nodes)
	t.nodes = append(t.nodes, n)
	if to-from <= leafSize {
		return at
	}
	widest := 0
	for j := range d {
		if n.hi[j]-n.lo[j] > n.hi[widest]-n.lo[widest] {
			widest = j
		}
	}
	mid := (from + to) / 2
	t.split(from, to, mid, widest)
	left := t.build(from, mid)
	right := t.build(mid, to)
	t.nodes[at].left, t.nodes[at].right = left, right
	return at
}

// split is quickselect: order[mid] gets the point that belongs there by its
// coordinate j.
func (t *tree) split(from, to, mid, j int) {
	for to-from > 1 {
		pivot := t.points[t.order[(from+to)/2]][j]
		i, k := from, to-1
		for i <= k {
			for t.points[t.order[i]][j] < pivot {
				i++
			}
			for t.points[t.order[k]][j] > pivot {
				k--
			}
			if i <= k {
				t.order[i], t.order[k] = t.order[k], t.order[i]
				i++
				k--
			}
		}
		switch {
		case mid <= k:
			to = k + 1
		case mid >= i:
			from = i
		default:
			return
		}
	}
}

func distance(a, b []float64) float64 {
	d := 0.0
	for i, x := range a {
		d = math.Max(d, math.Abs(x-b[i]))
	}
	return d
}

// reach is the distance from x to a node's box.
func (n *node) reach(x []float64) float64 {
	d := 0.0
	for j, v := range x {
		d = math.Max(d, math.Max(n.lo[j]-v, v-n.hi[j]))
	}
	return d
}

// farthestFirst is a heap of distances.
type farthestFirst []float64

func (h farthestFirst) Len() int           { return len(h) }
func (h farthestFirst) Less(i, j int) bool { return h[i] > h[j] }
func (h farthestFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *farthestFirst) Push(x any)        { *h = append(*h, x.(float64)) }
func (h *farthestFirst) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// neighbour is the distance from point i to its k-th nearest other point.
func (t *tree) neighbour(i, k int) float64 {
	h := make(farthestFirst, 0, k+1)
	x := t.points[i]
	var visit func(at int)
	visit = func(at int) {
		n := &t.nodes[at]
		if len(h) == k && n.reach(x) >= h[0] {
			return
		}
		if n.left == 0 {
			for _, j := range t.order[n.from:n.to] {
				if j == i {
					continue
				}
				d := distance(x, t.points[j])
				if len(h) < k {
					heap.Push(&h, d)
				} else if d < h[0] {
					h[0] = d
					heap.Fix(&h, 0)
				}
			}
			return
		}
		near, far := n.left, n.right
		if t.nodes[far].reach(x) < t.nodes[near].reach(x) {
			near, far = far, near
		}
		visit(near)
		visit(far)
	}
	visit(0)
	return h[0]
}

// within counts the other points strictly closer to point i than r.
func (t *tree) within(i int, r float64) int {
	x := t.points[i]
	count := 0
	var visit func(at int)
	visit = func(at int) {
		n := &t.nodes[at]
		if n.reach(x) >= r {
			return
		}
		if n.left == 0 {
			for _, j := range t.order[n.from:n.to] {
				if j != i && distance(x, t.points[j]) < r {
					count++
				}
			}
			return
		}
		visit(n.left)
		visit(n.right)
	}
	visit(0)
	return count
}
