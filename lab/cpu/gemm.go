package cpu

// tileFunc computes a tile of a product: c (rows ldc apart) = or += a·b, a with
// rows ra and columns ca numbers apart, b packed with the tile's columns side
// by side for each of the k columns of a.
type tileFunc func(k int, a []float32, ra, ca int, b, c []float32, ldc int, add bool)

// tile is the block of a product that is held in registers.
type tile struct {
	rows, cols int
	f          tileFunc
}

// Blocks of a product: depth·cols numbers of b stay in the second-level cache,
// a tile's rows of a in the first.
const (
	blockDepth = 256
	blockCols  = 512
	blockRows  = 64
)

// gemm multiplies matrices with one instruction set. It holds packed blocks and is not
// safe for concurrent use.
type gemm struct {
	wide, narrow tile
	fast         bool // transpose8 may be used
	a, b, c      []float32
}

func newGemm(s Set) *gemm {
	g := &gemm{wide: tile{4, 8, plainTile}, narrow: tile{4, 8, plainTile}, fast: s != Plain}
	switch s {
	case AVX2:
		g.wide, g.narrow = narrowTile, narrowTile
	case AVX512:
		g.wide, g.narrow = wideTile, narrowTile
	}
	g.b = make([]float32, blockDepth*blockCols)
	g.a = make([]float32, blockDepth*blockRows)
	g.c = make([]float32, 8*32)
	return g
}

// plainTile is a 4×8 tile in plain Go.
func plainTile(k int, a []float32, ra, ca int, b, c []float32, ldc int, add bool) {
	var t [4][8]float32
	for p := range k {
		row := (*[8]float32)(b[8*p:])
		for i := range t {
			x := a[i*ra+p*ca]
			for j := range row {
				t[i][j] += float32(x * row[j])
			}
		}
	}
	for i := range t {
		for j, x := range t[i] {
			if add {
				x += c[i*ldc+j]
			}
			c[i*ldc+j] = x
		}
	}
}

// matrix has rows of numbers, stride apart, or columns if transposed.
type matrix struct {
	data       []float32
	stride     int
	transposed bool
}

// mul sets c [m n] to, or adds to it, a [m k]·b [k n].
func (g *gemm) mul(m, n, k int, a, b matrix, c []float32, ldc int, add bool) {
	t := g.wide
	if n <= g.narrow.cols {
		t = g.narrow
	}
	for p := 0; p < k; p += blockDepth {
		depth := min(blockDepth, k-p)
		for j := 0; j < n; j += blockCols {
			cols := min(blockCols, n-j)
			g.packB(t, b, p, depth, j, cols)
			for i := 0; i < m; i += blockRows {
				g.rows(t, a, i, min(blockRows, m-i), p, depth, cols, c[i*ldc+j:], ldc, add || p > 0)
			}
		}
	}
}

// rows multiplies some rows of a by the packed block of b.
func (g *gemm) rows(t tile, a matrix, i, rows, p, depth, cols int, c []float32, ldc int, add bool) {
	block, ra, ca := g.packA(t, a, i, rows, p, depth)
	for r := 0; r < rows; r += t.rows {
		for j := 0; j < cols; j += t.cols {
			b := g.b[j*depth:]
			if r+t.rows <= rows && j+t.cols <= cols {
				t.f(depth, block[r*ra:], ra, ca, b, c[r*ldc+j:], ldc, add)
				continue
			}
			t.f(depth, block[r*ra:], ra, ca, b, g.c, t.cols, false)
			for y := range min(t.rows, rows-r) {
				to, from := c[(r+y)*ldc+j:], g.c[y*t.cols:]
				for x := range min(t.cols, cols-j) {
					if add {
						to[x] += from[x]
					} else {
						to[x] = from[x]
					}
				}
			}
		}
	}
}

// packA returns rows of a with cache-friendly strides: in place if possible, else
// copied.
func (g *gemm) packA(t tile, a matrix, i, rows, p, depth int) (block []float32, ra, ca int) {
	const far = 256 // numbers; rows further apart share few cache sets
	whole := rows%t.rows == 0
	if a.transposed {
		if whole && a.stride <= far {
			return a.data[p*a.stride+i:], 1, a.stride
		}
		for x := range depth {
			to := g.a[x*blockRows : (x+1)*blockRows]
			n := copy(to[:rows], a.data[(p+x)*a.stride+i:])
			if !whole {
				clear(to[n:])
			}
		}
		return g.a, 1, blockRows
	}
	if whole && a.stride <= far {
		return a.data[i*a.stride+p:], a.stride, 1
	}
	for y := range rows {
		copy(g.a[y*blockDepth:y*blockDepth+depth], a.data[(i+y)*a.stride+p:])
	}
	return g.a, blockDepth, 1
}

// packB copies a block of b into panels of the tile's columns.
func (g *gemm) packB(t tile, b matrix, p, depth, j, cols int) {
	for x := 0; x < cols; x += t.cols {
		panel := g.b[x*depth : (x+t.cols)*depth]
		width := min(t.cols, cols-x)
		if width < t.cols {
			clear(panel)
		}
		if b.transposed {
			g.packRows(panel, t.cols, b, p, depth, j+x, width)
			continue
		}
		for y := range depth {
			copy(panel[y*t.cols:y*t.cols+width], b.data[(p+y)*b.stride+j+x:])
		}
	}
}

// packRows fills the columns of a panel from rows of a transposed matrix.
func (g *gemm) packRows(panel []float32, cols int, b matrix, p, depth, row, width int) {
	done, x := 0, 0
	if g.fast {
		done = depth &^ 7
		for ; done > 0 && x+8 <= width; x += 8 {
			transpose8(panel[x:], cols, b.data[(row+x)*b.stride+p:], b.stride, done)
		}
	}
	for c := range width {
		from := b.data[(row+c)*b.stride+p:]
		start := done
		if c >= x {
			start = 0
		}
		for y := start; y < depth; y++ {
			panel[y*cols+c] = from[y]
		}
	}
}
