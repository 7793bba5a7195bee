// Users as the administration knows them, the words of their roles, and what a form of theirs sends.

import type { Data, Variables } from "../../api/graph.ts";

export type User = Data<"Users">["users"]["nodes"][number];
export type Role = User["role"];

export const ROLE_WORDS = { none: "roleNone", viewer: "roleViewer", staff: "roleStaff", superuser: "roleSuperuser" } as const satisfies Record<Role, string>;

export interface UserValues {
  username: string;
  password: string;
  role: Role;
  enabled: boolean;
}

/** Values with which the form of a user begins; those of a new one without a user. A password is never shown. */
export function valuesOf(user: User | undefined): UserValues {
  return { username: user?.username ?? "", password: "", role: user?.role ?? "viewer", enabled: user?.enabled ?? true };
}

/** Fields that are sent of a changed user. Another role ends the sessions of the user, so what is as it was is left out. */
export function changesOf(user: User, { password, role, enabled }: UserValues): Variables<"UpdateUser">["input"] {
  return { ...(password && { password }), ...(role !== user.role && { role }), ...(enabled !== user.enabled && { enabled }) };
}
