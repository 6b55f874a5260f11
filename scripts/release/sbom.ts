// The bill of materials of a release, in CycloneDX 1.6: what is inside the executables, with versions, licences and hashes.
import { type PackageInside, RUNTIME_PARTS } from "../third-party.ts";
import { RUNTIME_VERSION, type Target } from "./targets.ts";

/** What it is of. */
export interface SbomOptions {
  readonly version: string;
  readonly commit: string;
  /** Unix time. */
  readonly seconds: number;
  readonly packages: readonly PackageInside[];
  readonly targets: readonly Target[];
}

/** The document, as JSON with a line feed at its end. */
export function sbom({ version, commit, seconds, packages, targets }: SbomOptions): string {
  const self = `pkg:generic/sluice@${version}`;
  const runtime = `pkg:github/oven-sh/bun@bun-v${RUNTIME_VERSION}`;
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: new Date(seconds * 1000).toISOString(),
      component: {
        type: "application",
        "bom-ref": self,
        name: "sluice",
        version,
        licenses: [{ license: { id: "Apache-2.0" } }],
        ...(commit === "" ? {} : { properties: [{ name: "commit", value: commit }] }),
      },
    },
    components: [
      {
        type: "platform",
        "bom-ref": runtime,
        name: "bun",
        version: RUNTIME_VERSION,
        purl: runtime,
        licenses: [{ license: { id: "MIT" } }],
        externalReferences: targets.map((target) => ({
          type: "distribution",
          url: `https://www.npmjs.com/package/${target.runtime}/v/${RUNTIME_VERSION}`,
          comment: `the runtime of ${target.name}; the hash is that of the package in npm's registry`,
          hashes: [sha512(target.integrity)],
        })),
        // Bun tells no versions of what it links.
        components: RUNTIME_PARTS.map(({ name, license, url }) => ({
          type: "library",
          "bom-ref": `bun/${name}`,
          name,
          licenses: [/ (?:AND|WITH) /.test(license) ? { expression: license } : licenseOf(license)],
          externalReferences: [{ type: "vcs", url }],
        })),
      },
      ...packages.map((inside) => ({
        type: "library",
        "bom-ref": purlOf(inside),
        name: inside.name,
        version: inside.version,
        purl: purlOf(inside),
        licenses: [licenseOf(inside.license)],
        hashes: [sha512(inside.integrity)],
        ...(inside.url === "" ? {} : { externalReferences: [{ type: "vcs", url: inside.url }] }),
      })),
    ],
    dependencies: [
      { ref: self, dependsOn: [runtime, ...packages.map(purlOf)] },
      { ref: runtime, dependsOn: RUNTIME_PARTS.map(({ name }) => `bun/${name}`) },
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** By its SPDX identifier; what is none goes by its name. */
function licenseOf(license: string): { license: { id: string } | { name: string } } {
  return { license: license.includes(" ") ? { name: license } : { id: license } };
}

function purlOf({ name, version }: PackageInside): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** "sha512-<base64>" as a hash in hexadecimal. */
function sha512(integrity: string): { alg: "SHA-512"; content: string } {
  return { alg: "SHA-512", content: Buffer.from(integrity.slice(7), "base64").toString("hex") };
}
