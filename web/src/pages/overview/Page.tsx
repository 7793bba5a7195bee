// Overview: what is wrong first, then counts, the default board and the devices.

import { useEffect } from "preact/hooks";
import { BASE, ROOT } from "../../api/root.ts";
