// Notification channels: what a form has, and what is sent of it.

import type { Data, Variables } from "../../api/graph.ts";

export type Channel = Data<"Channels">["notificationChannels"]["nodes"][number];

export interface ChannelValues {
  name: string;
  type: Channel["type"];
  /** The address of a webhook, or the recipients of mails, one a line. */
  target: string;
  /** Empty for the secret that the channel has already. */
  secret: string;
  enabled: boolean;
}

/** Values with which the form of a channel begins; those of a new one without a channel. A secret is never shown. */
export function channelValues(channel: Channel | undefined): ChannelValues {
  if (!channel) return { name: "", type: "EMAIL", target: "", secret: "", enabled: true };
  const { name, type, url, recipients, enabled } = channel;
  return { name, type, target: url ?? recipients?.join("\n") ?? "", secret: "", enabled };
}

/** The input of the server; recipients have spaces, commas or semicolons between them. */
export function channelInput({ name, type, target, secret, enabled }: ChannelValues): Variables<"CreateChannel">["input"] {
  const own = type === "WEBHOOK" ? { url: target.trim(), ...(secret && { secret }) } : { recipients: target.split(/[\s,;]+/).filter(Boolean) };
  return { name, type, enabled, ...own };
}
