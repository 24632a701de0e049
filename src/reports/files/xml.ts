/** What XML 1.0 has no way to write, not even as a reference (section 2.2 Char), and halves of surrogate pairs. */
const FORBIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text of an element. What XML cannot hold becomes U+FFFD. */
export function xmlText(text: string): string {
  return text
    .replace(FORBIDDEN, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("\r", "&#13;");
}

/** Attributes, each with a space before it; line ends stay what they are. */
export function xmlAttributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => {
      const text = xmlText(String(value)).replaceAll('"', "&quot;");
      return ` ${name}="${text.replaceAll("\n", "&#10;").replaceAll("\t", "&#9;")}"`;
    })
    .join("");
}

/** An element; its content is XML already. */
export function xmlElement(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  content: readonly string[] = [],
): string {
  const start = `${name}${xmlAttributes(attributes)}`;
  return content.length === 0 ? `<${start}/>` : `<${start}>${content.join("")}</${name}>`;
}
