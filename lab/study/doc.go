// Package study implements l2m lab study: it trains a grid of small models, one
// recipe for each model, panel and seed, and gathers what they lose.
//
//  1. A Study is a JSON file: a recipe that all cells share, models and panels that
//     change it, seeds, figures. Cells lists the grid.
//  2. Run trains the missing cells one after another, each in a run directory of its
//     own, and writes study.json after every cell. It can be killed at any instant:
//     finished cells stay, and the one at hand continues from its checkpoint.
//  3. Package report draws figures and tables from study.json alone.
package study
