// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title Digests: every struct that the network signs, and its EIP-712 hash
/// @notice Equal to proofs/digest.ts field by field; a test compares both for random values. The order of fields is the order of the
/// signature. All fields are single words, so hashStruct is keccak256(abi.encode(TYPEHASH, struct)).
library Digests {
    /// @dev keccak256 of the EIP-712 domain's own type.
    bytes32 internal constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 internal constant NAME_HASH = keccak256("LivepeerFisherman");
    bytes32 internal constant VERSION_HASH = keccak256("1");

    /// @notice One rung of an order (enum numbers are go-livepeer's).
    struct Profile {
        uint32 width;
        uint32 height;
        uint32 bitrate;
        uint32 fpsNum;
        uint32 fpsDen;
        uint8 codec;
        uint8 h264Profile;
        int32 gopMs;
        uint8 container;
        uint8 quality;
    }

    /// @notice One transcoded version of a segment: a leaf under renditionsRoot.
    struct Rendition {
        uint16 index;
        bytes32 profileHash;
        bytes32 contentHash;
        uint64 byteLength;
        uint64 pixels;
        uint32 width;
        uint32 height;
        uint32 frames;
        uint32 durationMs;
    }

    /// @notice Fingerprint of one frame: a leaf under fingerprintRoot. Only bits that are strong are ever compared.
    struct FrameFp {
        uint16 track;
        uint32 frame;
        uint32 ptsMs;
        uint64 dhash;
        uint64 strong;
    }

    /// @notice What a gateway asked for.
    struct TranscodeOrder {
        address requester;
        address transcoder;
        bytes32 streamId;
        uint64 seq;
        bytes32 sourceHash;
        uint64 sourceBytes;
        bytes32 profilesHash;
        bytes32 sourceFingerprintRoot;
        bytes32 sessionId;
        bytes32 nonce;
        uint64 issuedAt;
        uint64 expiresAt;
    }

    /// @notice The orchestrator's statement that it made these renditions of this source for this order.
    struct TranscodeReceipt {
        bytes32 orderHash;
        address transcoder;
        address requester;
        bytes32 streamId;
        uint64 seq;
        bytes32 sourceHash;
        bytes32 profilesHash;
        bytes32 renditionsRoot;
        bytes32 fingerprintRoot;
        uint64 completedAt;
        uint64 round;
    }

    /// @notice A transcoder's permission for a key to sign receipts from a round on.
    struct SignerDelegation {
        address transcoder;
        address signer;
        uint64 fromRound;
    }

    /// @notice Merkle root over all receipts of one window.
    struct WindowRoot {
        address transcoder;
        uint64 windowId;
        bytes32 root;
        uint32 count;
        uint64 closedAt;
    }

    /// @notice Commitment to an answer, opened after its deadline.
    struct SealedAnswer {
        bytes32 sampleId;
        bytes32 seal;
        uint64 deadline;
    }

    /// @notice An opened verdict of one fisherman on one sample.
    struct Answer {
        bytes32 sampleId;
        bytes32 receiptDigest;
        uint16 rendition;
        uint8 outcome;
        bytes32 evidenceHash;
        bytes32 fingerprint;
        uint32 verdictVersion;
        bytes32 salt;
    }

    /// @notice A vote to convict; each signer puts its own workCommit in.
    struct ConvictionVote {
        bytes32 faultId;
        uint8 faultClass;
        address transcoder;
        bytes32 receiptDigest;
        uint16 rendition;
        bytes32 evidenceHash;
        bytes32 workCommit;
        address finder;
        uint32 verdictVersion;
        uint64 deadline;
    }

    /// @notice A finished fraud proof, as it is gossiped.
    struct FraudReport {
        bytes32 faultId;
        uint8 faultClass;
        address transcoder;
        address reporter;
        bytes32 receiptDigest;
        bytes32 evidenceHash;
        uint64 observedAt;
        uint64 expiresAt;
    }

    /// @notice Signed head of a fisherman's proof log; within one epoch histories only grow.
    struct LogHead {
        address fisherman;
        uint64 epoch;
        uint64 size;
        bytes32 root;
        uint64 signedAt;
    }

    /// @notice What a peer returns of the last head that it holds, over the asker's nonce.
    struct HeadReturn {
        address fisherman;
        uint64 epoch;
        uint64 size;
        bytes32 root;
        bytes32 nonce;
    }

    /// @notice A fisherman's request for the bytes of one blob.
    struct BlobRequest {
        address transcoder;
        bytes32 contentHash;
        uint64 expiresAt;
    }

    bytes32 internal constant PROFILE_TYPEHASH = keccak256(
        "Profile(uint32 width,uint32 height,uint32 bitrate,uint32 fpsNum,uint32 fpsDen,uint8 codec,uint8 h264Profile,int32 gopMs,uint8 container,uint8 quality)"
    );

    /// @notice hashStruct of a Profile.
    function hash(Profile memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(PROFILE_TYPEHASH, value));
    }

    bytes32 internal constant RENDITION_TYPEHASH = keccak256(
        "Rendition(uint16 index,bytes32 profileHash,bytes32 contentHash,uint64 byteLength,uint64 pixels,uint32 width,uint32 height,uint32 frames,uint32 durationMs)"
    );

    /// @notice hashStruct of a Rendition.
    function hash(Rendition memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(RENDITION_TYPEHASH, value));
    }

    bytes32 internal constant FRAME_FP_TYPEHASH = keccak256(
        "FrameFp(uint16 track,uint32 frame,uint32 ptsMs,uint64 dhash,uint64 strong)"
    );

    /// @notice hashStruct of a FrameFp.
    function hash(FrameFp memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(FRAME_FP_TYPEHASH, value));
    }

    bytes32 internal constant TRANSCODE_ORDER_TYPEHASH = keccak256(
        "TranscodeOrder(address requester,address transcoder,bytes32 streamId,uint64 seq,bytes32 sourceHash,uint64 sourceBytes,bytes32 profilesHash,bytes32 sourceFingerprintRoot,bytes32 sessionId,bytes32 nonce,uint64 issuedAt,uint64 expiresAt)"
    );

    /// @notice hashStruct of a TranscodeOrder.
    function hash(TranscodeOrder memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(TRANSCODE_ORDER_TYPEHASH, value));
    }

    bytes32 internal constant TRANSCODE_RECEIPT_TYPEHASH = keccak256(
        "TranscodeReceipt(bytes32 orderHash,address transcoder,address requester,bytes32 streamId,uint64 seq,bytes32 sourceHash,bytes32 profilesHash,bytes32 renditionsRoot,bytes32 fingerprintRoot,uint64 completedAt,uint64 round)"
    );

    /// @notice hashStruct of a TranscodeReceipt.
    function hash(TranscodeReceipt memory value) internal pure returns (bytes32) {
        bytes32 place;
        assembly ("memory-safe") {
            place := value
        }
        return _structHash(TRANSCODE_RECEIPT_TYPEHASH, place, 384);
    }

    bytes32 internal constant SIGNER_DELEGATION_TYPEHASH = keccak256(
        "SignerDelegation(address transcoder,address signer,uint64 fromRound)"
    );

    /// @notice hashStruct of a SignerDelegation.
    function hash(SignerDelegation memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(SIGNER_DELEGATION_TYPEHASH, value));
    }

    bytes32 internal constant WINDOW_ROOT_TYPEHASH = keccak256(
        "WindowRoot(address transcoder,uint64 windowId,bytes32 root,uint32 count,uint64 closedAt)"
    );

    /// @notice hashStruct of a WindowRoot.
    function hash(WindowRoot memory value) internal pure returns (bytes32) {
        bytes32 place;
        assembly ("memory-safe") {
            place := value
        }
        return _structHash(WINDOW_ROOT_TYPEHASH, place, 192);
    }

    bytes32 internal constant SEALED_ANSWER_TYPEHASH = keccak256(
        "SealedAnswer(bytes32 sampleId,bytes32 seal,uint64 deadline)"
    );

    /// @notice hashStruct of a SealedAnswer.
    function hash(SealedAnswer memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(SEALED_ANSWER_TYPEHASH, value));
    }

    bytes32 internal constant ANSWER_TYPEHASH = keccak256(
        "Answer(bytes32 sampleId,bytes32 receiptDigest,uint16 rendition,uint8 outcome,bytes32 evidenceHash,bytes32 fingerprint,uint32 verdictVersion,bytes32 salt)"
    );

    /// @notice hashStruct of a Answer.
    function hash(Answer memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(ANSWER_TYPEHASH, value));
    }

    bytes32 internal constant CONVICTION_VOTE_TYPEHASH = keccak256(
        "ConvictionVote(bytes32 faultId,uint8 faultClass,address transcoder,bytes32 receiptDigest,uint16 rendition,bytes32 evidenceHash,bytes32 workCommit,address finder,uint32 verdictVersion,uint64 deadline)"
    );

    /// @notice hashStruct of a ConvictionVote.
    function hash(ConvictionVote memory value) internal pure returns (bytes32) {
        bytes32 place;
        assembly ("memory-safe") {
            place := value
        }
        return _structHash(CONVICTION_VOTE_TYPEHASH, place, 352);
    }

    bytes32 internal constant FRAUD_REPORT_TYPEHASH = keccak256(
        "FraudReport(bytes32 faultId,uint8 faultClass,address transcoder,address reporter,bytes32 receiptDigest,bytes32 evidenceHash,uint64 observedAt,uint64 expiresAt)"
    );

    /// @notice hashStruct of a FraudReport.
    function hash(FraudReport memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(FRAUD_REPORT_TYPEHASH, value));
    }

    bytes32 internal constant LOG_HEAD_TYPEHASH = keccak256(
        "LogHead(address fisherman,uint64 epoch,uint64 size,bytes32 root,uint64 signedAt)"
    );

    /// @notice hashStruct of a LogHead.
    function hash(LogHead memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(LOG_HEAD_TYPEHASH, value));
    }

    bytes32 internal constant HEAD_RETURN_TYPEHASH = keccak256(
        "HeadReturn(address fisherman,uint64 epoch,uint64 size,bytes32 root,bytes32 nonce)"
    );

    /// @notice hashStruct of a HeadReturn.
    function hash(HeadReturn memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(HEAD_RETURN_TYPEHASH, value));
    }

    bytes32 internal constant BLOB_REQUEST_TYPEHASH = keccak256(
        "BlobRequest(address transcoder,bytes32 contentHash,uint64 expiresAt)"
    );

    /// @notice hashStruct of a BlobRequest.
    function hash(BlobRequest memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(BLOB_REQUEST_TYPEHASH, value));
    }

    /// @notice Domain separator of the anchor on this chain; computed each time, so that a fork of the chain gets its own.
    function domainSeparator(address anchor) internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, anchor));
    }

    /// @notice EIP-712 digest of a struct hash under the anchor's domain.
    function digest(address anchor, bytes32 structHash) internal view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domainSeparator(anchor), structHash);
    }

    /// @notice Leaf of a receipt's tree: double keccak of the ABI encoding, as OpenZeppelin's standard tree.
    function leaf(Rendition memory value) internal pure returns (bytes32) {
        bytes32 place;
        assembly ("memory-safe") {
            place := value
        }
        return _doubleHash(place, 288);
    }

    /// @dev keccak256(abi.encode(typehash, struct)) without copying the struct: the word before it is lent to the typehash for a moment.
    function _structHash(bytes32 typehash, bytes32 place, uint256 length) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let start := sub(place, 32)
            let lent := mload(start)
            mstore(start, typehash)
            result := keccak256(start, length)
            mstore(start, lent)
        }
    }

    /// @dev A struct of single words lies in memory as abi.encode would write it, so nothing is copied: eight pairs of frames hash 16 leaves.
    function _doubleHash(bytes32 place, uint256 length) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0, keccak256(place, length))
            result := keccak256(0, 32)
        }
    }

    /// @notice Leaf of a receipt's fingerprints.
    function leaf(FrameFp memory value) internal pure returns (bytes32) {
        bytes32 place;
        assembly ("memory-safe") {
            place := value
        }
        return _doubleHash(place, 160);
    }

    /// @notice Id of a reuse (O2), which is about two receipts: the lower digest first.
    function reuseId(address transcoder, bytes32 lower, bytes32 higher) internal pure returns (bytes32) {
        return keccak256(abi.encode("faultId", uint8(2), transcoder, lower, higher));
    }

    /// @notice Id of a fault: keccak256(abi.encode("faultId", class, transcoder, about)).
    /// @param about the order's hash or the window's id for O1, the receipt's digest for the single-receipt classes.
    function faultId(uint8 faultClass, address transcoder, bytes32 about) internal pure returns (bytes32) {
        return keccak256(abi.encode("faultId", faultClass, transcoder, about));
    }

    /// @notice Id of a sample: what a drawn fisherman answers for.
    function sampleId(bytes32 receiptDigest, uint16 rendition, uint64 windowId) internal pure returns (bytes32) {
        return keccak256(abi.encode("sampleId", receiptDigest, rendition, windowId));
    }

    /// @notice Names the inputs of a verdict, never its measures.
    function evidenceHash(
        bytes32 receiptDigest,
        uint16 rendition,
        bytes32 sourceHash,
        bytes32 contentHash,
        bytes32 profileHash,
        uint32 verdictVersion
    ) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode("evidenceHash", receiptDigest, rendition, sourceHash, contentHash, profileHash, verdictVersion)
            );
    }

    /// @notice Binds a vote to the work of its signer.
    function workCommit(address signer, bytes32 fingerprint) internal pure returns (bytes32) {
        return keccak256(abi.encode("workCommit", signer, fingerprint));
    }
}
