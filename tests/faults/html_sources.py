"""Finds, in Python source, what gets into HTML without passing `display.escaped`.

An expression is safe when it is a constant, a call of the door itself, or is put together from
safe ones. Whatever is called to make HTML is checked where it is defined.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "graphhelpers"
DOOR = {"escaped", "html.escape"}
MAKERS = {"table", "_row", "_cells", "_repr_html_"}  # functions that return HTML
SINKS = {"widgets.HTML", "HTML", "PAGE.format", "page.format"}


def unescaped(source: str) -> list[str]:
    """Return the expressions of this source that get into HTML by another way than the door."""
    tree = ast.parse(source)
    constants = {
        n: a.value for a in tree.body if isinstance(a, ast.Assign) for n in _names(a.targets)
    }
    safe = {name for name, value in constants.items() if isinstance(value, ast.Constant)}
    safe |= {
        n.name
        for i in tree.body
        if isinstance(i, ast.ImportFrom)
        for n in i.names
        if n.name.isupper()
    }
    widgets = {
        _leaf(t)
        for a in ast.walk(tree)
        if isinstance(a, ast.Assign) and _is_widget(a.value)
        for t in a.targets
    }
    found = []
    for scope in (tree, *(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))):
        for expression in _into_html(scope, widgets):
            if not _is_safe(expression, scope, safe):
                found.append(ast.unparse(expression))
    return found


def _into_html(scope: ast.AST, widgets: set[str]) -> Iterator[ast.expr]:
    """Yield what this scope returns as HTML, or gives to what takes HTML."""
    own = list(_own(scope))
    for node in own:
        if isinstance(node, ast.Return) and getattr(scope, "name", "") in MAKERS:
            yield node.value or ast.Constant("")
        if isinstance(node, ast.Assign):
            pairs = [(t, node.value) for t in node.targets]
            for target, value in pairs:
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                    pairs += list(zip(target.elts, value.elts, strict=True))
                elif isinstance(target, ast.Attribute) and target.attr == "value":
                    if _leaf(target.value) in widgets:
                        yield value
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SINKS:
            yield from node.args[:1]
            yield from (k.value for k in node.keywords if k.arg in ("value", "words", "title"))
        if isinstance(node, ast.Attribute) and node.attr == "HTMLMath":
            yield node


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Walk a scope without the functions in it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, ast.FunctionDef):
            yield child
            yield from _own(child)


def _is_safe(node: ast.expr, scope: ast.AST, safe: set[str]) -> bool:
    def ok(one: ast.expr) -> bool:
        return _is_safe(one, scope, safe)

    match node:
        case ast.Constant() | ast.JoinedStr(values=[]):
            return True
        case ast.JoinedStr(values=parts):
            return all(ok(part) for part in parts)
        case ast.FormattedValue(value=value):
            return ok(value)
        case ast.BinOp(left=left, right=right, op=ast.Add()):
            return ok(left) and ok(right)
        case ast.IfExp(body=body, orelse=other):
            return ok(body) and ok(other)
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return all(map(ok, items))
        case ast.GeneratorExp(elt=item, generators=loops):
            words = {n for g in loops if ok(g.iter) for n in _names([g.target])}
            return _is_safe(item, scope, safe | words)
        case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join"), args=[items]):
            return ok(items)
        case ast.Call(func=function):
            return ast.unparse(function) in DOOR or _leaf(function) in MAKERS
        case ast.Name(id=name):
            given = list(_given(scope, name))
            return name in safe if not given else all(map(ok, given))
    return False


def _given(scope: ast.AST, name: str) -> Iterator[ast.expr]:
    """Yield whatever a scope assigns to this name."""
    for node in _own(scope):
        if isinstance(node, ast.Assign) and name in _names(node.targets):
            yield node.value
        if isinstance(node, ast.AugAssign) and ast.unparse(node.target) == name:
            yield node.value


def _names(targets: list[ast.expr]) -> list[str]:
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _leaf(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def _is_widget(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) in ("widgets.HTML", "HTML")
