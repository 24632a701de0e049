import * as z from "zod";
import { isMapping } from "../../mapping.js";
import { field, ReadError } from "../fields.js";
import { MAPPING_FORMS } from "../shape.js";

/**
 * A URL that `check` accepts, or a mapping that says which file holds it or its password, or a list of either where
 * `takesList`: `putSecrets` makes text of that before the schema sees it.
 */
export function urlField(
  description: string,
  example: string,
  check: (url: string) => unknown,
  { takesList = false } = {},
) {
  const text = urlText(check, takesList);
  const schema = z
    .unknown()
    .transform((value, context): string => {
      const result = (isMapping(value) ? urlMapping : text).safeParse(value);
      if (result.success) return result.data;
      for (const issue of result.error.issues) {
        context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
      }
      return z.NEVER;
    })
    .meta({ description, anyOf: urlForms(takesList), examples: [example] });
  MAPPING_FORMS.set(schema, urlKeys);
  return schema;
}

function urlText(check: (url: string) => unknown, takesList: boolean) {
  return field({ description: "" }, (value): string => {
    if (typeof value !== "string") throw noUrl(value, takesList);
    if (/,\s*[a-z+]+:\/\//i.test(value)) {
      const remedy = "Write ; for the comma between the URLs, or a list.";
      throw new ReadError("must be one URL, or several with ; between them", {
        remedy,
        hidesValue: true,
      });
    }
    check(value);
    return value;
  });
}

function noUrl(value: unknown, takesList: boolean): ReadError {
  if (takesList && Array.isArray(value)) {
    const remedy = "Write [redis://a:6379/0, redis://b:6379/0], or one text with ; between them.";
    return new ReadError("must have URLs in its list, and nothing else", {
      remedy,
      hidesValue: true,
    });
  }
  const remedy = Array.isArray(value) ? "Write one." : "Write redis://127.0.0.1:6379/0.";
  return new ReadError("must be a URL", { remedy, hidesValue: true });
}

const urlKeys = z.strictObject({
  url: hiddenText("The URL without its password, which comes from passwordFile."),
  urlFile: hiddenText(
    "File that holds the URL, on one line; its path starts from the file that it stands in.",
  ),
  passwordFile: hiddenText(
    "File that holds the password of url, as it is: it is percent-encoded for you.",
  ),
});

/** A mapping that could not be put together: one that could is text by now. */
const urlMapping = urlKeys.transform((keys, context): string => {
  const { url, urlFile, passwordFile } = keys;
  const isSplit = url !== undefined || passwordFile !== undefined;
  const refuse = (message: string, remedy: string, path: string[] = []) =>
    context.addIssue({ code: "custom", message, path, params: { remedy, hidesValue: true } });
  if (urlFile !== undefined && isSplit) {
    refuse("must have either urlFile, or url and passwordFile", "Remove one.");
  } else if (url !== undefined && passwordFile === undefined) {
    refuse(
      "it is missing, and there is a url",
      "Add it, or write the URL alone, without the key url.",
      ["passwordFile"],
    );
  } else if (passwordFile !== undefined && url === undefined) {
    refuse("it is missing, and there is a passwordFile", "Write url: redis://user@host:6379/0.", [
      "url",
    ]);
  } else {
    refuse("must be a URL, or have urlFile, or url and passwordFile", "Write urlFile: PATH.");
  }
  return z.NEVER;
});

/** As JSON Schema: one form has what the other has not. */
function urlForms(takesList: boolean): unknown[] {
  const mappings = [
    urlKeys.pick({ urlFile: true }).required(),
    urlKeys.pick({ url: true, passwordFile: true }).required(),
  ].map((form) => {
    const { $schema: _, ...schema } = z.toJSONSchema(form, { io: "input" });
    return schema;
  });
  const one = [{ type: "string" }, ...mappings];
  return takesList ? [...one, { type: "array", items: { anyOf: one }, minItems: 1 }] : one;
}

/** Text that no message shows: where the name of a file belongs, a secret may have been written. */
export function hiddenText(description: string) {
  return field({ description, type: "string", minLength: 1 }, (value): string => {
    if (typeof value === "string" && value !== "") return value;
    throw new ReadError("must be text that is not empty", { hidesValue: true });
  }).optional();
}
