package process

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/l2m-lab/l2m/info"
)

// Captured is the information in a structured memory at one cut.
type Captured struct {
	Memory      string    `json:"memory"`       // in the syntax of ParseMemory
	Construct   string    `json:"construction"` // how its numbers are chosen, see Memory
	Numbers     int       `json:"numbers"`      // kept of the past
	Nats        info.Nats `json:"nats"`         // about the future; averaged over draws if directions tie
	Spread      info.Nats `json:"spread"`       // standard deviation over these draws; 0 if nothing ties
	Frontier    info.Nats `json:"frontier"`     // of the best linear state with as many numbers
	Window      info.Nats `json:"window"`       // of as many last tokens
	Information info.Nats `json:"information"`  // I(Ell; Length)
}

// Share is the captured part of the information.
func (c Captured) Share() float64 { return float64(c.Nats / c.Information) }

// Study computes the information in memories of the first Ell tokens of a Gaussian
// process about the rest of Length, exactly: numbers z, linear in the tokens, carry ½
// ln det Σ_z − ½ ln det Σ_z|future nats. It takes O(Length³) time for most processes.
// The hierarchical process of base 2, 4, 8, … is first reduced to statistics of the
// size of its information, for up to 16,384 tokens.
//
// If directions have equal information, as most do in the hierarchical process, the
// first m of them are not unique, and the choices of neighbouring blocks affect each
// other. Ties are then broken at random, several times.
type Study struct {
	Ell, Length int
	frontier    *Frontier
	c           coordinates
	future      side
	cache       map[[2]int]*side // of futures by which blocks choose, by end and length
	same        map[[2]int]kept  // merged blocks of a stationary process, by level and length of the future
	ties        *rand.Rand
}

// tieDraws is the number of random draws if ties matter.
const tieDraws = 8

// tieNoise is added to squared canonical correlations to break ties.
const tieNoise = 1e-9

// side is a stretch of tokens and the factorised covariance of its coordinates.
type side struct {
	blocks []block
	chol   *mat.Cholesky
}

// NewStudy prepares the study of memories at one cut.
func NewStudy(p Covarier, ell, L int) (*Study, error) {
	c, err := coordinatesOf(p, L)
	if err != nil {
		return nil, err
	}
	return newStudy(p, c, ell, L)
}

func newStudy(p Covarier, c coordinates, ell, L int) (*Study, error) {
	f, err := NewFrontier(p, ell, L)
	if err != nil {
		return nil, err
	}
	s := &Study{Ell: ell, Length: L, frontier: f, c: c, cache: map[[2]int]*side{}, same: map[[2]int]kept{}}
	future, err := s.side(ell, L)
	if err != nil {
		return nil, err
	}
	s.future = *future
	return s, nil
}

// Frontier is the state–information frontier at the cut.
func (s *Study) Frontier() *Frontier { return s.frontier }

func (s *Study) side(from, to int) (*side, error) {
	key := [2]int{to, to - from}
	if s.c.stationary() {
		key[0] = 0
	}
	known := s.cache[key]
	blocks := blocksOf(from, to)
	if known == nil {
		// Of a stationary process the covariance is the same for other blocks.
		chol, err := factorise(gather(s.c, blocks, blocks), fmt.Sprintf("tokens %d to %d", from, to-1))
		if err != nil {
			return nil, err
		}
		known = &side{chol: chol}
		s.cache[key] = known
	}
	return &side{blocks, known.chol}, nil
}

// kept are numbers kept of some blocks: Σ Bᵀu over the blocks and noise that is
// independent of everything outside.
type kept struct {
	parts []part
	noise *mat.Dense // covariance; nil for none
	count int
	idle  int // further numbers that the memory has room for, and no use
}

type part struct {
	block block
	b     *mat.Dense // size × count
}

// whole keeps all the coordinates of tokens from..to−1.
func (s *Study) whole(from, to int) kept {
	var k kept
	blocks := blocksOf(from, to)
	for _, b := range blocks {
		k.count += s.c.size(b)
	}
	at := 0
	for _, b := range blocks {
		n := s.c.size(b)
		m := mat.NewDense(n, k.count, nil)
		for i := range n {
			m.Set(i, at+i, 1)
		}
		k.parts = append(k.parts, part{b, m})
		at += n
	}
	return k
}

// transform keeps the combinations t (count × fewer) of the numbers.
func (k kept) transform(t mat.Matrix) kept {
	_, n := t.Dims()
	out := kept{count: n}
	for _, p := range k.parts {
		var b mat.Dense
		b.Mul(p.b, t)
		out.parts = append(out.parts, part{p.block, &b})
	}
	if k.noise != nil {
		var a, e mat.Dense
		a.Mul(k.noise, t)
		e.Mul(t.T(), &a)
		out.noise = &e
	}
	return out
}

// join puts the numbers kept of the two halves of a block side by side, and
// writes them in the coordinates of the block.
func (s *Study) join(b block, halves [2]kept) kept {
	n := halves[0].count + halves[1].count
	k := kept{count: n}
	if n == 0 {
		return k
	}
	half := s.c.size(b.halves()[0])
	both := mat.NewDense(2*half, n, nil)
	noise := mat.NewDense(n, n, nil)
	at := 0
	for i, h := range halves {
		if h.count > 0 {
			both.Slice(i*half, (i+1)*half, at, at+h.count).(*mat.Dense).Copy(h.parts[0].b)
			if h.noise != nil {
				noise.Slice(at, at+h.count, at, at+h.count).(*mat.Dense).Copy(h.noise)
			}
		}
		at += h.count
	}
	A, f := s.c.halve(b)
	if A == nil {
		k.parts = []part{{b, both}}
		return k
	}
	var up mat.Dense
	up.Mul(A.T(), both)
	k.parts, k.noise = []part{{b, &up}}, noise
	if f != nil {
		var fb, e mat.Dense
		fb.Mul(f, both)
		e.Mul(both.T(), &fb)
		noise.Add(noise, &e)
	}
	return k
}

// moments returns the covariance of all numbers, and theirs with the future's
// coordinates.
func (s *Study) moments(groups []kept, future []block) (zz, zy *mat.Dense) {
	var blocks []block
	rows, count := 0, 0
	for _, g := range groups {
		for _, p := range g.parts {
			blocks = append(blocks, p.block)
			rows += s.c.size(p.block)
		}
		count += g.count
	}
	b, noise := mat.NewDense(rows, count, nil), mat.NewDense(count, count, nil)
	i, j := 0, 0
	for _, g := range groups {
		for _, p := range g.parts {
			n := s.c.size(p.block)
			b.Slice(i, i+n, j, j+g.count).(*mat.Dense).Copy(p.b)
			i += n
		}
		if g.noise != nil {
			noise.Slice(j, j+g.count, j, j+g.count).(*mat.Dense).Copy(g.noise)
		}
		j += g.count
	}
	var cb mat.Dense
	cb.Mul(gather(s.c, blocks, blocks), b)
	zz, zy = new(mat.Dense), new(mat.Dense)
	zz.Mul(b.T(), &cb)
	zz.Add(zz, noise)
	zy.Mul(b.T(), gather(s.c, blocks, future))
	return zz, zy
}

// captured is the information in numbers about the future of the cut.
func (s *Study) captured(groups []kept) (info.Nats, error) {
	zz, zy := s.moments(groups, s.future.blocks)
	var a, explained mat.Dense
	if err := s.future.chol.SolveTo(&a, zy.T()); err != nil {
		return 0, fmt.Errorf("regressing on the future: %w", err)
	}
	explained.Mul(zy, &a)
	before, err := factorise(zz, "the numbers kept")
	if err != nil {
		return 0, err
	}
	zz.Sub(zz, &explained)
	after, err := factorise(zz, "the numbers kept given the future")
	if err != nil {
		return 0, err
	}
	return info.Nats(math.Max(0, (before.LogDet()-after.LogDet())/2)), nil
}

// best keeps the m combinations of numbers with the most information about a future:
// the first canonical directions.
func (s *Study) best(k kept, future *side, m int) (kept, error) {
	if k.count <= m {
		return k, nil
	}
	zz, zy := s.moments([]kept{k}, future.blocks)
	chol, err := factorise(zz, "the numbers to choose from")
	if err != nil {
		return kept{}, err
	}
	var lz, ly mat.TriDense
	chol.LTo(&lz)
	future.chol.LTo(&ly)
	var x, y mat.Dense // L_z⁻¹·Σ_zy·L_y⁻ᵀ, and its transpose
	if err := x.Solve(&lz, zy); err != nil {
		return kept{}, fmt.Errorf("whitening the numbers to choose from: %w", err)
	}
	if err := y.Solve(&ly, x.T()); err != nil {
		return kept{}, fmt.Errorf("whitening their future: %w", err)
	}
	var gram mat.SymDense
	gram.SymOuterK(1, y.T())
	for i := range k.count {
		for j := i; j < k.count; j++ {
			gram.SetSym(i, j, gram.At(i, j)+tieNoise*s.ties.NormFloat64())
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(&gram, true) {
		return kept{}, fmt.Errorf("the canonical directions of %d numbers did not converge", k.count)
	}
	var u, t mat.Dense
	eigen.VectorsTo(&u) // ascending
	if err := t.Solve(lz.T(), u.Slice(0, k.count, k.count-m, k.count)); err != nil {
		return kept{}, fmt.Errorf("choosing directions: %w", err)
	}
	return k.transform(&t), nil
}

// try computes a line of the result. build is called again where ties matter.
func (s *Study) try(m Memory, construction string, build func(Memory) ([]kept, error)) (Captured, error) {
	c := Captured{Memory: m.String(), Construct: construction, Information: s.frontier.Information()}
	fail := func(err error) (Captured, error) { return c, fmt.Errorf("memory %s, %s: %w", m, construction, err) }
	var draws []float64
	for i := range tieDraws {
		if i == 1 && s.c.stationary() || i == 2 && math.Abs(draws[0]-draws[1]) < 1e-6*draws[0] {
			break
		}
		s.ties = NewRand(1, i)
		clear(s.same)
		groups, err := build(m)
		if err != nil {
			return fail(err)
		}
		nats, err := s.captured(groups)
		if err != nil {
			return fail(err)
		}
		draws = append(draws, float64(nats))
		c.Numbers = 0
		for _, g := range groups {
			c.Numbers += g.count + g.idle
		}
	}
	mean, sd := stat.PopMeanStdDev(draws, nil)
	c.Nats = info.Nats(mean)
	if len(draws) == tieDraws {
		c.Spread = info.Nats(sd)
	}
	c.Frontier = s.frontier.Captured(c.Numbers)
	var err error
	if c.Window, err = s.captured([]kept{s.whole(s.Ell-c.Numbers, s.Ell)}); err != nil {
		return fail(err)
	}
	return c, nil
}
