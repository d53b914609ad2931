// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Digests} from "./Digests.sol";

/// @title ReceiptAnchor: the address that separates this network's signatures from everybody else's
/// @notice Has no owner, no state and no successor: the contracts that check proofs may be replaced, signatures stay valid. Its views let
/// anybody compute by hand what was signed.
contract ReceiptAnchor is EIP712 {
    /// @notice The domain is ("LivepeerFisherman", "1", chain id, this address).
    constructor() EIP712("LivepeerFisherman", "1") {}

    /// @notice EIP-712 domain separator on this chain.
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @notice EIP-712 digest of a Profile: what is signed.
    function digestProfile(Digests.Profile calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a Rendition: what is signed.
    function digestRendition(Digests.Rendition calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a FrameFp: what is signed.
    function digestFrameFp(Digests.FrameFp calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a TranscodeOrder: what is signed.
    function digestTranscodeOrder(Digests.TranscodeOrder calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a TranscodeReceipt: what is signed.
    function digestTranscodeReceipt(Digests.TranscodeReceipt calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a SignerDelegation: what is signed.
    function digestSignerDelegation(Digests.SignerDelegation calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a WindowRoot: what is signed.
    function digestWindowRoot(Digests.WindowRoot calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a SealedAnswer: what is signed.
    function digestSealedAnswer(Digests.SealedAnswer calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a Answer: what is signed.
    function digestAnswer(Digests.Answer calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a ConvictionVote: what is signed.
    function digestConvictionVote(Digests.ConvictionVote calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a FraudReport: what is signed.
    function digestFraudReport(Digests.FraudReport calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a LogHead: what is signed.
    function digestLogHead(Digests.LogHead calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a HeadReturn: what is signed.
    function digestHeadReturn(Digests.HeadReturn calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice EIP-712 digest of a BlobRequest: what is signed.
    function digestBlobRequest(Digests.BlobRequest calldata value) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.hash(value));
    }

    /// @notice Leaf of a rendition under renditionsRoot.
    function leafRendition(Digests.Rendition calldata value) external pure returns (bytes32) {
        return Digests.leaf(value);
    }

    /// @notice Leaf of a frame's fingerprint under fingerprintRoot.
    function leafFrameFp(Digests.FrameFp calldata value) external pure returns (bytes32) {
        return Digests.leaf(value);
    }

    /// @notice Id of a reuse (O2): the two receipts' digests, the lower first.
    function reuseId(address transcoder, bytes32 lower, bytes32 higher) external pure returns (bytes32) {
        return Digests.reuseId(transcoder, lower, higher);
    }

    /// @notice Id of a fault; `about` is the order's hash or window's id for O1, else the receipt's digest.
    function faultId(uint8 faultClass, address transcoder, bytes32 about) external pure returns (bytes32) {
        return Digests.faultId(faultClass, transcoder, about);
    }

    /// @notice Id of a sample.
    function sampleId(bytes32 receiptDigest, uint16 rendition, uint64 windowId) external pure returns (bytes32) {
        return Digests.sampleId(receiptDigest, rendition, windowId);
    }

    /// @notice Hash of the inputs of a verdict.
    function evidenceHash(
        bytes32 receiptDigest,
        uint16 rendition,
        bytes32 sourceHash,
        bytes32 contentHash,
        bytes32 profileHash,
        uint32 verdictVersion
    ) external pure returns (bytes32) {
        return Digests.evidenceHash(receiptDigest, rendition, sourceHash, contentHash, profileHash, verdictVersion);
    }

    /// @notice Commitment of a signer to its own work.
    function workCommit(address signer, bytes32 fingerprint) external pure returns (bytes32) {
        return Digests.workCommit(signer, fingerprint);
    }
}
