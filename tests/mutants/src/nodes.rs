//! Finds the nodes of a source's syntax that mutants change.

use std::collections::HashMap;
use std::ops::Range;

use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::listed::{Genre, Mutant, Place};

/// The mutants of one node of the syntax: number, and what takes the place of what's there.
pub type Alternatives = Vec<(usize, String)>;

pub enum Kind {
    /// At the start of a function's body.
    Value,
    /// `&&` (true) or `||`, which evaluate their right side only when they need it.
    Lazy {
        and: bool,
        left: Range<usize>,
        right: Range<usize>,
    },
    Binary {
        operator: String,
        left: Range<usize>,
        right: Range<usize>,
    },
    Assign {
        operator: String,
        left: Range<usize>,
        right: Range<usize>,
    },
    Not {
        operator: String,
        operand: Range<usize>,
    },
    /// Between the pattern of an arm and its arrow.
    Guard {
        guard: Option<Range<usize>>,
        deleted: Alternatives,
    },
}

pub struct Node {
    pub range: Range<usize>,
    pub kind: Kind,
    pub mutants: Alternatives,
}

/// The nodes that these mutants (numbers beside them) change, those around others first. A mutant without a form
/// here has none.
pub fn find(source: &str, mutants: &[(usize, &Mutant)]) -> Vec<Node> {
    let file = syn::parse_file(source).expect("a source of Rust");
    let mut wanted: HashMap<(Place, Genre), Alternatives> = HashMap::new();
    for (number, mutant) in mutants {
        let alternatives = wanted.entry((mutant.place(), mutant.genre)).or_default();
        alternatives.push((*number, mutant.replacement.clone()));
    }
    let mut lines = vec![0];
    lines.extend(source.match_indices('\n').map(|(at, _)| at + 1));
    let mut found = Finder {
        source,
        lines,
        wanted,
        nodes: Vec::new(),
    };
    found.visit_file(&file);
    found
        .nodes
        .sort_by_key(|node| (node.range.start, std::cmp::Reverse(node.range.end)));
    found.nodes
}

struct Finder<'a> {
    source: &'a str,
    lines: Vec<usize>,
    wanted: HashMap<(Place, Genre), Alternatives>,
    nodes: Vec<Node>,
}

impl Finder<'_> {
    fn octet(&self, at: LineColumn) -> usize {
        let line = &self.source[self.lines[at.line - 1]..];
        self.lines[at.line - 1]
            + line
                .char_indices()
                .nth(at.column)
                .map_or(line.len(), |(octet, _)| octet)
    }

    fn range(&self, of: &impl Spanned) -> Range<usize> {
        self.octet(of.span().start())..self.octet(of.span().end())
    }

    fn take(&mut self, of: &impl Spanned, genre: Genre) -> Alternatives {
        let at = of.span().start();
        self.wanted
            .remove(&(
                Place {
                    line: at.line,
                    column: at.column + 1,
                },
                genre,
            ))
            .unwrap_or_default()
    }

    fn push(&mut self, range: Range<usize>, kind: Kind, mutants: Alternatives) {
        if !mutants.is_empty()
            || matches!(&kind, Kind::Guard { deleted, .. } if !deleted.is_empty())
        {
            self.nodes.push(Node {
                range,
                kind,
                mutants,
            });
        }
    }

    fn arm(&mut self, arm: &syn::Arm, deletable: bool) {
        let deleted = if deletable {
            self.take(arm, Genre::MatchArm)
        } else {
            Alternatives::new()
        };
        let (pattern, guard) = parts(&arm.pat);
        let mutants = guard
            .map(|guard| self.take(guard, Genre::MatchArmGuard))
            .unwrap_or_default();
        let range = self.range(pattern).end..self.range(&arm.fat_arrow_token).start;
        let guard = guard.map(|guard| self.range(guard));
        self.push(range, Kind::Guard { guard, deleted }, mutants);
    }

    fn function(&mut self, whole: &impl Spanned, signature: &syn::Signature, body: &syn::Block) {
        // All that such a function returns has to be of one type, without a name.
        if self.source[self.range(&signature.output)].contains("impl ") {
            return;
        }
        let mutants = self.take(whole, Genre::FnValue);
        let start = self.octet(body.span().start()) + 1;
        self.push(start..start, Kind::Value, mutants);
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(item, &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(item, &item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(item, &item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_expr_binary(&mut self, node: &'ast syn::ExprBinary) {
        visit::visit_expr_binary(self, node);
        if has_let(&node.left) || has_let(&node.right) {
            return;
        }
        let mutants = self.take(&node.op, Genre::BinaryOperator);
        let (left, right) = (self.range(&*node.left), self.range(&*node.right));
        let operator = self.source[self.range(&node.op)].to_owned();
        let kind = match node.op {
            syn::BinOp::And(_) | syn::BinOp::Or(_) => Kind::Lazy {
                and: operator == "&&",
                left,
                right,
            },
            _ if operator.ends_with('=') && !["==", "!=", "<=", ">="].contains(&&*operator) => {
                Kind::Assign {
                    operator,
                    left,
                    right,
                }
            }
            _ => Kind::Binary {
                operator,
                left,
                right,
            },
        };
        self.push(self.range(node), kind, mutants);
    }

    fn visit_expr_unary(&mut self, node: &'ast syn::ExprUnary) {
        visit::visit_expr_unary(self, node);
        let mutants = self.take(&node.op, Genre::UnaryOperator);
        let operator = self.source[self.range(&node.op)].to_owned();
        let operand = self.range(&*node.expr);
        self.push(self.range(node), Kind::Not { operator, operand }, mutants);
    }

    fn visit_expr_match(&mut self, node: &'ast syn::ExprMatch) {
        visit::visit_expr_match(self, node);
        let guarded = |arm: &syn::Arm| parts(&arm.pat).1.is_some();
        let open = |arm: &syn::Arm| catches_all(&arm.pat);
        let last = node.arms.iter().any(open);
        for arm in &node.arms {
            // Without it, the others would have to cover what it covers.
            self.arm(arm, guarded(arm) || (last && !open(arm)));
        }
    }
}

/// An arm's pattern, and its guard.
fn parts(pattern: &syn::Pat) -> (&syn::Pat, Option<&syn::Expr>) {
    match pattern {
        syn::Pat::Guard(guarded) => (&guarded.pat, Some(&guarded.guard)),
        pattern => (pattern, None),
    }
}

fn catches_all(pattern: &syn::Pat) -> bool {
    match pattern {
        syn::Pat::Wild(_) => true,
        // A name in lower case binds; others are constants or variants.
        syn::Pat::Ident(name) => {
            name.subpat.is_none() && name.ident.to_string().starts_with(char::is_lowercase)
        }
        syn::Pat::Tuple(tuple) => tuple.elems.iter().all(catches_all),
        _ => false,
    }
}

fn has_let(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(node) => has_let(&node.left) || has_let(&node.right),
        _ => false,
    }
}
