// A place is where messages stand: {channel} or {channel, thread_id}.

export function placeKey(place) {
  return place.thread_id ? `thread/${place.thread_id}` : place.channel;
}

export function placeOf(packet) {
  return packet.thread_id ? { channel: packet.channel, thread_id: packet.thread_id } : { channel: packet.channel };
}

/** The fields of a command that name the place. */
export function where(place) {
  return place.thread_id ? { thread_id: place.thread_id } : { channel: place.channel };
}
