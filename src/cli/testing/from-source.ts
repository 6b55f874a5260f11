// The entry of a thread that runs tests, when the executable is run from source.
import { fromSource } from "../from-source.ts";
import { testInThread } from "./thread.ts";

testInThread(fromSource());
