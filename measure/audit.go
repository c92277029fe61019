package measure

import (
	"context"
	"fmt"

	"github.com/l2m-lab/l2m/audit"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/result"
)

// checkConfigs reads the configurations before hours of scoring: at least one
// must be good.
func checkConfigs(ctx context.Context, o Options) error {
	if len(o.Configs) == 0 {
		return nil
	}
	a, err := audit.Run(ctx, audit.Options{Paths: o.Configs})
	if err == nil && len(a.Models) == 0 {
		err = fmt.Errorf("%s: %s", a.Failures[0].Path, a.Failures[0].Error)
	}
	if err != nil {
		return fmt.Errorf("reading the model configurations to audit: %w", err)
	}
	return nil
}

// auditConfigs holds the configurations against the law of r.
func auditConfigs(ctx context.Context, r *result.Result, o Options) error {
	if len(o.Configs) == 0 {
		return nil
	}
	l, e, err := audit.MeasuredLaw(r)
	if err != nil {
		r.Warnings = append(r.Warnings, info.Warning{
			Code: "not-audited", Text: "the model configurations are not audited: " + err.Error(), Fix: "l2m audit --law A,BETA holds them against another law",
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
