// Widgets that show what is now: values, gauges, tables, events, texts and buttons that write.

import { useState } from "preact/hooks";
