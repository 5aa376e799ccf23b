// The list of reports: only the theme changes.

import { followTheme } from "./theme.js";

followTheme();
