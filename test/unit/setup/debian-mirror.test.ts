import assert from "node:assert/strict";
import { test } from "node:test";
import { debianMirror } from "../../support/debian-mirror.js";

const TARGETS = `https://deb.example/node/ nodistro . nodistro
http://security.example/debian-security/ bookworm-security Debian
http://mirror.example/debian/ bookworm-updates Debian
http://mirror.example/debian/ bookworm Debian
`;

/** Each is the text of one of apt's sources, and the keyring that it names for the mirror. */
const SOURCES: [string, string | null][] = [
  ["deb http://mirror.example/debian bookworm main", null],
  [
    "deb [arch=amd64 signed-by=/etc/keys/a.gpg] http://mirror.example/debian/ bookworm main",
    "/etc/keys/a.gpg",
  ],
  ["deb [signed-by=/etc/keys/b.gpg,/etc/keys/c.gpg] http://other.example/debian x main", null],
  [
    "Types: deb\nURIs: http://other.example/\nSigned-By: /no.gpg\n\nTypes: deb\n# a remark\nURIs: http://mirror.example/debian/\nSuites: bookworm\nSigned-By: /usr/share/keyrings/d.gpg\n",
    "/usr/share/keyrings/d.gpg",
  ],
  [
    "URIs: http://mirror.example/debian\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n mQ/x\n",
    null,
  ],
];

for (const [source, keyring] of SOURCES) {
  test(`the mirror is apt's own, and its keys are ${keyring}`, () => {
    assert.deepEqual(debianMirror(TARGETS, ["", source]), {
      mirror: "http://mirror.example/debian",
      keyring,
    });
  });
}

for (const [why, targets] of Object.entries({
  "no Debian": "http://archive.example/ubuntu/ noble Ubuntu\n",
  "not by http": "mirror+file:/etc/apt/mirrors/debian.list bookworm Debian\n",
  nothing: "",
})) {
  test(`there is no mirror: ${why}`, () => {
    assert.equal(debianMirror(targets, []), null);
  });
}
