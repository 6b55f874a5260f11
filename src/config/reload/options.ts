// What a user writes about how another config takes the place of the one that runs.

/** What is asked for before a reload takes what the file says. `sluice run` starts without it. */
export interface ReloadOptions {
  /**
   * `"tests"`: the `*.test.ts` files beside the config run against it first, in a process of their own. Where one fails, where
   * they take longer than 60 s, and where there is none, the reload changes nothing. Default: none.
   */
  gate?: "tests";
}
