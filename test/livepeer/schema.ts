import protobuf from 'protobufjs'

// A second implementation of the messages: the library's own reflection over a schema. Tests read with it what the program writes, and the
// other way round; the doubles of Livepeer's nodes speak with it.

const SCHEMA = `
syntax = "proto3";
package net;
message PingPong { bytes value = 1; }
message PriceInfo { int64 pricePerUnit = 1; int64 pixelsPerUnit = 2; uint32 capability = 3; string constraint = 4; }
message CapabilityConstraints { string minVersion = 1; }
message Capabilities {
  repeated uint64 bitstring = 1; repeated uint64 mandatories = 2; map<uint32, uint32> capacities = 3; string version = 4;
  CapabilityConstraints constraints = 5;
}
message AuthToken { bytes token = 1; string sessionId = 2; int64 expiration = 3; }
message EndTranscodingSessionRequest { AuthToken authToken = 1; }
message EndTranscodingSessionResponse {}
message TicketExpirationParams { int64 creationRound = 1; bytes creationRoundBlockHash = 2; }
message TicketParams {
  bytes recipient = 1; bytes faceValue = 2; bytes winProb = 3; bytes recipientRandHash = 4; bytes seed = 5; bytes expirationBlock = 6;
  TicketExpirationParams expirationParams = 7;
}
message TicketSenderParams { uint32 senderNonce = 1; bytes sig = 2; }
message Payment {
  TicketParams ticketParams = 1; bytes sender = 2; TicketExpirationParams expirationParams = 3;
  repeated TicketSenderParams ticketSenderParams = 4; PriceInfo expectedPrice = 5;
}
message S3OSInfo { string host = 1; string key = 2; string policy = 3; string signature = 4; string credential = 5; string xAmzDate = 6; }
message OSInfo { enum Storage { DIRECT = 0; S3 = 1; GOOGLE = 2; } Storage storageType = 1; S3OSInfo s3info = 16; }
message OrchestratorRequest { bytes address = 1; bytes sig = 2; Capabilities capabilities = 3; bool ignoreCapacityCheck = 4; }
message OrchestratorInfo {
  string transcoder = 1; TicketParams ticketParams = 2; PriceInfo priceInfo = 3; bytes address = 4; Capabilities capabilities = 5;
  AuthToken authToken = 6; repeated OSInfo storage = 32; repeated PriceInfo capabilitiesPrices = 33; repeated string nodes = 34;
}
message VideoProfile {
  string name = 16; int32 width = 17; int32 height = 18; int32 bitrate = 19; uint32 fps = 20; int32 format = 21; uint32 fpsDen = 22;
  int32 profile = 23; int32 gop = 24; int32 encoder = 25; int32 colorDepth = 26; int32 chromaFormat = 27; uint32 quality = 28;
}
message SegParameters { uint64 from = 1; uint64 to = 2; }
message SegData {
  bytes manifestId = 1; int64 seq = 2; bytes hash = 3; bytes profiles = 4; bytes sig = 5; int32 duration = 6; Capabilities capabilities = 7;
  AuthToken authToken = 8; bool calcPerceptualHash = 10; repeated OSInfo storage = 32; repeated VideoProfile fullProfiles = 33;
  repeated VideoProfile fullProfiles2 = 34; repeated VideoProfile fullProfiles3 = 35; SegParameters segmentParameters = 37;
  bool ForceSessionReinit = 38;
}
message TranscodedSegmentData { string url = 1; int64 pixels = 2; string perceptualHashUrl = 3; }
message TranscodeData { repeated TranscodedSegmentData segments = 1; bytes sig = 2; }
message TranscodeResult { int64 seq = 1; oneof result { string error = 2; TranscodeData data = 3; } OrchestratorInfo info = 16; }
`

/** Resolved, without which lists of numbers are not packed as proto3 says. */
const root = protobuf.parse(SCHEMA).root.resolveAll()

export type MessageName =
  | 'PingPong'
  | 'EndTranscodingSessionRequest'
  | 'EndTranscodingSessionResponse'
  | 'Payment'
  | 'OrchestratorRequest'
  | 'OrchestratorInfo'
  | 'SegData'
  | 'TranscodeResult'

/** Plain values in the schema's field names; 64-bit numbers as decimal strings, bytes as Buffers. */
export type Plain = { [field: string]: unknown }

export function encode(name: MessageName, value: Plain): Uint8Array {
  const type = root.lookupType(`net.${name}`)
  return Uint8Array.from(type.encode(type.fromObject(value)).finish())
}

export function decode(name: MessageName, bytes: Uint8Array): Plain {
  const type = root.lookupType(`net.${name}`)
  return type.toObject(type.decode(bytes), { longs: String, bytes: Buffer, arrays: true, objects: true })
}
