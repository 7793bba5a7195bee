// One board: shown, edited (`?edit`), or alone on a screen (`?kiosk`).

import { useEffect, useRef, useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
