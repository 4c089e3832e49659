//! Rewrites a source so that it holds all its mutants, of which a number chooses one at run time.
//!
//! `a - b` becomes `(match (&(a), &(b)) { (l, r) => if crate::mutant::on(7) { *l + *r } else { *l - *r } })`. No line
//! is added, so that places in messages of the compiler are those of the original.

use std::ops::Range;

use crate::listed::Mutant;
use crate::nodes::{Alternatives, Kind, Node, find};

/// A rewritten source, and which octets of it belong to which mutants.
pub struct Rewritten {
    pub text: String,
    pub owners: Vec<(Range<usize>, Vec<usize>)>,
}

/// Rewrites `source` with those of `mutants` (numbers beside them) that it has a form for.
pub fn rewrite(source: &str, mutants: &[(usize, &Mutant)]) -> Rewritten {
    let nodes = find(source, mutants);
    let mut out = Rewritten {
        text: String::new(),
        owners: Vec::new(),
    };
    Writer {
        source,
        nodes: &nodes,
    }
    .range(0..source.len(), None, &mut out);
    out
}

struct Writer<'a> {
    source: &'a str,
    nodes: &'a [Node],
}

impl Writer<'_> {
    /// Writes what is in `range`; `within` is the node that it's a part of.
    fn range(&self, range: Range<usize>, within: Option<usize>, out: &mut Rewritten) {
        let mut at = range.start;
        for (index, node) in self.nodes.iter().enumerate() {
            let inside = node.range.start >= at && node.range.end <= range.end;
            if inside && Some(index) != within {
                out.text.push_str(&self.source[at..node.range.start]);
                let start = out.text.len();
                self.node(index, out);
                let mut numbers: Vec<_> = node.mutants.iter().map(|(number, _)| *number).collect();
                if let Kind::Guard { deleted, .. } = &node.kind {
                    numbers.extend(deleted.iter().map(|(number, _)| *number));
                }
                if !matches!(node.kind, Kind::Value) {
                    out.owners.push((start..out.text.len(), numbers));
                }
                at = node.range.end;
            }
        }
        out.text.push_str(&self.source[at..range.end]);
    }

    fn node(&self, index: usize, out: &mut Rewritten) {
        let node = &self.nodes[index];
        match &node.kind {
            Kind::Value => {
                for (number, value) in &node.mutants {
                    let start = out.text.len();
                    out.text.push_str(&format!(
                        " if crate::mutant::on({number}) {{ return {value}; }}"
                    ));
                    out.owners.push((start..out.text.len(), vec![*number]));
                }
            }
            Kind::Lazy { and, left, right } => {
                let number = node.mutants[0].0;
                let same = if *and { "==" } else { "!=" };
                out.text.push_str("({ let l: bool = ");
                self.range(left.clone(), Some(index), out);
                out.text.push_str(&format!(
                    "; if l {same} crate::mutant::on({number}) {{ l }} else {{ "
                ));
                self.range(right.clone(), Some(index), out);
                out.text.push_str(" } })");
            }
            Kind::Binary {
                operator,
                left,
                right,
            } => {
                out.text.push_str("(match (&(");
                self.range(left.clone(), Some(index), out);
                out.text.push_str("), &(");
                self.range(right.clone(), Some(index), out);
                out.text.push_str(")) { (l, r) => ");
                for (number, other) in &node.mutants {
                    out.text.push_str(&format!(
                        "if crate::mutant::on({number}) {{ *l {other} *r }} else "
                    ));
                }
                out.text.push_str(&format!("{{ *l {operator} *r }} }})"));
            }
            Kind::Assign {
                operator,
                left,
                right,
            } => {
                out.text.push_str("({ ");
                for (number, other) in &node.mutants {
                    out.text
                        .push_str(&format!("if crate::mutant::on({number}) {{ "));
                    self.assignment(index, left, other, right, out);
                    out.text.push_str(" } else ");
                }
                out.text.push_str("{ ");
                self.assignment(index, left, operator, right, out);
                out.text.push_str(" } })");
            }
            Kind::Not { operator, operand } => {
                let number = node.mutants[0].0;
                out.text.push_str("(match ");
                self.range(operand.clone(), Some(index), out);
                out.text.push_str(&format!(
                    " {{ e => if crate::mutant::on({number}) {{ e }} else {{ {operator}e }} }})"
                ));
            }
            Kind::Guard { guard, deleted } => self.guard(index, guard.as_ref(), deleted, out),
        }
    }

    fn assignment(
        &self,
        index: usize,
        left: &Range<usize>,
        operator: &str,
        right: &Range<usize>,
        out: &mut Rewritten,
    ) {
        self.range(left.clone(), Some(index), out);
        out.text.push_str(&format!(" {operator} "));
        self.range(right.clone(), Some(index), out);
    }

    fn guard(
        &self,
        index: usize,
        guard: Option<&Range<usize>>,
        deleted: &Alternatives,
        out: &mut Rewritten,
    ) {
        let mutants = &self.nodes[index].mutants;
        let number = |value: &str| {
            mutants
                .iter()
                .find(|(_, it)| it == value)
                .map_or(0, |(number, _)| *number)
        };
        let gone = deleted.first().map_or(0, |(number, _)| *number);
        out.text
            .push_str(&format!(" if !crate::mutant::on({gone})"));
        if let Some(guard) = guard {
            let (always, never) = (number("true"), number("false"));
            out.text.push_str(&format!(
                " && !crate::mutant::on({never}) && (crate::mutant::on({always}) || ("
            ));
            self.range(guard.clone(), Some(index), out);
            out.text.push_str("))");
        }
        out.text.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listed::{Function, Genre, Place, Span};

    fn mutant(genre: Genre, line: usize, column: usize, replacement: &str) -> Mutant {
        let span = Span {
            start: Place { line, column },
        };
        Mutant {
            name: String::new(),
            file: String::new(),
            genre,
            replacement: replacement.to_owned(),
            function: Some(Function { span: span.clone() }),
            span,
        }
    }

    fn rewritten(source: &str, mutants: &[Mutant]) -> String {
        let numbered: Vec<_> = mutants
            .iter()
            .enumerate()
            .map(|(index, it)| (index + 1, it))
            .collect();
        let rewritten = rewrite(source, &numbered);
        syn::parse_file(&rewritten.text).expect("a source of Rust");
        for (range, numbers) in &rewritten.owners {
            let text = &rewritten.text[range.clone()];
            for number in numbers {
                assert!(
                    text.contains(&format!("on({number})")),
                    "{text} of {number}"
                );
            }
        }
        rewritten.text
    }

    #[test]
    fn without_mutants_a_source_stays_as_it_is() {
        let source = include_str!("rewrite.rs");
        assert_eq!(rewritten(source, &[]), source);
    }

    #[test]
    fn a_value_stands_before_the_body() {
        let mutants = [
            mutant(Genre::FnValue, 1, 1, "0"),
            mutant(Genre::FnValue, 1, 1, "1"),
        ];
        assert_eq!(
            rewritten("fn f() -> u8 { 7 }", &mutants),
            "fn f() -> u8 { if crate::mutant::on(1) { return 0; } if crate::mutant::on(2) { return 1; } 7 }"
        );
        let source = "fn f() -> impl Iterator<Item = u8> { [7].into_iter() }";
        assert_eq!(
            rewritten(source, &mutants),
            source,
            "of another type than the body"
        );
    }

    #[test]
    fn operators_hold_their_mutants_and_those_of_their_operands() {
        let mutants = [
            mutant(Genre::BinaryOperator, 1, 26, "-"),
            mutant(Genre::BinaryOperator, 1, 30, "/"),
            mutant(Genre::UnaryOperator, 1, 23, ""),
        ];
        assert_eq!(
            rewritten("fn f(a: i8) -> i8 {   -a + a * a }", &mutants),
            "fn f(a: i8) -> i8 {   (match (&((match a { e => if crate::mutant::on(3) { e } else { -e } })), \
             &((match (&(a), &(a)) { (l, r) => if crate::mutant::on(2) { *l / *r } else { *l * *r } }))) \
             { (l, r) => if crate::mutant::on(1) { *l - *r } else { *l + *r } }) }"
        );
    }

    #[test]
    fn the_right_side_is_evaluated_where_it_would_be() {
        let source = "fn f(a: bool, b: bool) { if a || b {} }";
        assert_eq!(
            rewritten(source, &[mutant(Genre::BinaryOperator, 1, 31, "&&")]),
            "fn f(a: bool, b: bool) { if ({ let l: bool = a; if l != crate::mutant::on(1) { l } else { b } }) {} }"
        );
        let source = "fn f(a: Option<u8>, b: bool) { if let Some(_) = a && b {} }";
        assert_eq!(
            rewritten(source, &[mutant(Genre::BinaryOperator, 1, 51, "||")]),
            source,
            "a chain"
        );
    }

    #[test]
    fn an_assignment_stays_one() {
        assert_eq!(
            rewritten(
                "fn f(mut a: u8) { a += 1; }",
                &[mutant(Genre::BinaryOperator, 1, 21, "-=")]
            ),
            "fn f(mut a: u8) { ({ if crate::mutant::on(1) { a -= 1 } else { a += 1 } }); }"
        );
    }

    #[test]
    fn arms_are_deleted_by_their_guards() {
        let at = [
            mutant(Genre::MatchArm, 1, 31, ""),
            mutant(Genre::MatchArmGuard, 1, 36, "true"),
        ];
        assert_eq!(
            rewritten(
                "fn f(a: u8) -> u8 { match a { x if x > 3 => 1, _ => 3 } }",
                &at
            ),
            "fn f(a: u8) -> u8 { match a { x if !crate::mutant::on(1) && !crate::mutant::on(0) && \
             (crate::mutant::on(2) || (x > 3)) => 1, _ => 3 } }"
        );
        let closed = "fn f(a: bool) -> u8 { match a { true => 1, false => 2 } }";
        assert_eq!(
            rewritten(closed, &[mutant(Genre::MatchArm, 1, 33, "")]),
            closed,
            "the others don't cover it"
        );
    }
}
