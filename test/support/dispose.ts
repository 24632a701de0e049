/*
 * `await using` needs Symbol.asyncDispose, which Node has since 20.5. Every file of this folder that
 * hands out something disposable imports this one first.
 */
if (Symbol.asyncDispose === undefined) {
  Object.defineProperty(Symbol, "asyncDispose", { value: Symbol("Symbol.asyncDispose") });
}
if (Symbol.dispose === undefined) {
  Object.defineProperty(Symbol, "dispose", { value: Symbol("Symbol.dispose") });
}
