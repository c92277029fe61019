// Package fit fits scaling laws to a table of information estimates that were made
// elsewhere: by another program, or in a paper.
//
//  1. ReadTable finds lengths, estimates and errors in CSV or JSON, by the names of the
//     columns.
//  2. Run fits the laws of package law to them: with errors as l2m measure does, without
//     errors by least squares on logarithms.
//  3. The result is a document like that of l2m measure, so that report, serve and
//     audit --law take it.
package fit
