package bytemix

// fresh forgets what came before, but nothing that was learnt: the next byte
// is predicted as one in the middle of some text.
func (p *predictor) fresh() {
	p.c4, p.n8, p.word, p.letter, p.column = 0, 0, [4]uint32{}, 0, 0
	p.match = [nMatch]matcher{}
}

// begin is where a document begins: after a blank line. Documents are few and
// begin unlike anything else, so this keeps them apart from the fresh state.
func (p *predictor) begin() {
	p.fresh()
	p.c4, p.n8 = 0x0a0a0a0a, 0x2020202020202020
}
