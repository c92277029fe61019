package measure

import (
	"context"
	"fmt"

	"github.com/l2m-lab/l2m/audit"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/result"
)

// checkConfigs fails before hours of scoring if none of the configurations can be
// audited.
func checkConfigs(ctx context.Context, paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	a, err := audit.Run(ctx, audit.Options{Paths: paths})
	if err == nil && len(a.Models) == 0 {
		err = fmt.Errorf("%s: %s", a.Failures[0].Path, a.Failures[0].Error)
	}
	if err != nil {
		return fmt.Errorf("reading the model configurations to audit: %w", err)
	}
	return nil
}

// auditConfigs audits the configurations against the law of r.
func auditConfigs(ctx context.Context, r *result.Result, o Options) error {
	if len(o.Configs) == 0 {
		return nil
	}
	l, e, err := audit.MeasuredLaw(r)
	if err != nil {
		r.Warnings = append(r.Warnings, info.Warning{
			Code: "not-audited", Text: "the model configurations were not audited: " + err.Error(), Fix: "l2m audit --law A,BETA audits them against another law",
		})
		return nil
	}
	l.Source = "this run, " + l.Source
	if r.Audit, err = audit.Run(ctx, audit.Options{Paths: o.Configs, Law: l, Evidence: e, BytesPerToken: o.BytesPerToken}); err != nil {
		return fmt.Errorf("auditing the model configurations: %w", err)
	}
	r.Audit.Command = ""
	return nil
}
