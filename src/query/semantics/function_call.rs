//! Makes calls, casts and operators in parsed statements.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName,
};

/// A call of a function with these arguments.
pub(super) fn call<const N: usize>(name: &str, args: [Expr; N]) -> Expr {
    let args = args.map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).to_vec();
    let list = FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
    Expr::Function(Function {
        name: ObjectName::from(Ident::new(name)),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A cast of a value, which is written before the type.
pub(super) fn cast_of(value: Expr, data_type: DataType) -> Expr {
    let expr = Box::new(value);
    Expr::Cast { kind: CastKind::DoubleColon, expr, data_type, array: false, format: None }
}

/// An operator between two operands.
pub(super) fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}
