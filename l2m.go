package l2m

import (
	"context"

	"github.com/l2m-lab/l2m/audit"
	"github.com/l2m-lab/l2m/calibrate"
	"github.com/l2m-lab/l2m/compare"
	"github.com/l2m-lab/l2m/exact"
	"github.com/l2m-lab/l2m/fit"
	"github.com/l2m-lab/l2m/info"

	"github.com/l2m-lab/l2m/lm/bytemix"
	"github.com/l2m-lab/l2m/measure"
	"github.com/l2m-lab/l2m/predictor"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/twopoint"
)

// The options of the verbs. The zero value of a field asks for its default.
type (
	MeasureOptions   = measure.Options
	PlanOptions      = measure.PlanOptions
	TwoPointOptions  = twopoint.Options
	AuditOptions     = audit.Options
	CompareOptions   = compare.Options
	CalibrateOptions = calibrate.Options
	FitOptions       = fit.Options
	SampleOptions    = exact.SampleOptions
	TruthOptions     = exact.TruthOptions
	ModelOptions     = predictor.Options
)

// The documents that verbs produce.
type (
	Result          = result.Result
	Comparison      = result.Comparison
	Calibration     = result.Calibration
	ProcessTruth    = result.ProcessTruth
	ModelEvaluation = result.ModelEvaluation
	Planned         = result.Planned
	Ingested        = measure.Ingested
)

// Progress is one report of a long job, ProgressFunc receives it, and Version is the
// version of l2m.
type (
	Progress     = info.Progress
	ProgressFunc = info.ProgressFunc
	Version      = info.Version
)

// BuildVersion reads the version from the running binary.
func BuildVersion() Version { return info.BuildVersion() }

// Measure measures the scaling law of the bipartite mutual information of documents
// and writes a run directory with a report; see measure.Run.
func Measure(ctx context.Context, o MeasureOptions) (*Result, error) {
	if o.Faces == nil {
		o.Faces = report.ResultFaces
	}
	return measure.Run(ctx, o)
}

// Plan writes the requests of a run as batch files, for when no server can be
// reached; see measure.Plan.
func Plan(ctx context.Context, o PlanOptions) (*Planned, error) { return measure.Plan(ctx, o) }

// Ingest reads results of the requests that Plan wrote to dir, and evaluates the run
// when nothing is missing; see measure.Ingest.
func Ingest(ctx context.Context, dir string, results []string, progress ProgressFunc) (*Ingested, error) {
	return measure.Ingest(ctx, dir, results, report.ResultFaces, progress)
}

// TwoPoint measures the mutual information of pairs of tokens at a distance; see
// twopoint.Run.
func TwoPoint(ctx context.Context, o TwoPointOptions) (*Result, error) {
	if o.Faces == nil {
		o.Faces = report.ResultFaces
	}
	return twopoint.Run(ctx, o)
}

// Fit fits laws to a table of estimates that were made elsewhere; see fit.Run.
func Fit(ctx context.Context, o FitOptions) (*Result, error) { return fit.Run(ctx, o) }

// Audit compares the history states of models with what a law of the data demands;
// see audit.Run.
func Audit(ctx context.Context, o AuditOptions) (*result.Audit, error) { return audit.Run(ctx, o) }

// Compare compares the models of finished runs of the same documents; see
// compare.Run.
func Compare(ctx context.Context, o CompareOptions) (*Comparison, error) {
	if o.Faces == nil {
		o.Faces = report.ComparisonFaces
	}
	return compare.Run(ctx, o)
}

// Calibrate checks estimators on processes whose information is known exactly; see
// calibrate.Run.
func Calibrate(ctx context.Context, o CalibrateOptions) (*Calibration, error) {
	if o.Faces == nil {
		o.Faces = report.CalibrationFaces
	}
	return calibrate.Run(ctx, o)
}

// Sample writes samples of a process to a file; see exact.Sample.
func Sample(ctx context.Context, o SampleOptions) error { return exact.Sample(ctx, o) }

// Truth computes what is known exactly about a process; see exact.Truth.
func Truth(ctx context.Context, o TruthOptions) (*ProcessTruth, error) { return exact.Truth(ctx, o) }

// TrainModel trains the built-in predictor and writes it to a file; see
// predictor.Train.
func TrainModel(ctx context.Context, o ModelOptions) (bytemix.FileInfo, error) {
	return predictor.Train(ctx, o)
}

// EvaluateModel scores text with a predictor from a file; see predictor.Evaluate.
func EvaluateModel(ctx context.Context, o ModelOptions) (*ModelEvaluation, error) {
	return predictor.Evaluate(ctx, o)
}

// Render re-renders the page, tables and figures of a finished run; see report.Render.
func Render(dir string, formats []string) error { return report.Render(dir, formats) }
