// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Digests} from "./Digests.sol";

/// @title IFaultVerifier: proof in, fault out
interface IFaultVerifier {
    /// @notice A proven or accused fault; every id is recomputed from the evidence.
    struct Fault {
        bytes32 faultId;
        address transcoder;
        /// @dev the receipt it is about; the lower digest of two, zero where no receipt is.
        bytes32 receiptDigest;
    }

    /// @notice Checks a proof that stands on the accused's own signatures (O classes). Reverts unless it is one.
    function checkObjective(uint8 faultClass, bytes calldata evidence) external view returns (Fault memory);

    /// @notice Checks that an accusation (D classes) is about a rendition that the accused really signed, within the statute.
    /// @param verdictVersion version of the verdict's lines that the opener judged by; not zero.
    /// @return fault what is accused.
    /// @return evidenceHash names the inputs of the verdict; computed here, so that no case can name others.
    function checkAccusation(
        uint8 faultClass,
        Digests.TranscodeReceipt calldata receipt,
        bytes calldata signature,
        Digests.Rendition calldata leaf,
        bytes32[] calldata path,
        uint32 verdictVersion
    ) external view returns (Fault memory fault, bytes32 evidenceHash);

    /// @notice What more than two thirds of the weight say about a case.
    struct Outcome {
        Fault fault;
        /// @dev who all of them name as the first to have found it; zero only where the case is not upheld.
        address finder;
        bytes32 evidenceHash;
        /// @dev keccak256(abi.encodePacked(address[] signers)), ascending.
        bytes32 signersHash;
    }

    /// @notice Checks the votes of a conviction (D classes).
    function checkConviction(uint8 faultClass, bytes calldata evidence) external view returns (Outcome memory);

    /// @notice Checks the votes that end a case without a conviction; their faultId says which case.
    /// @param said the votes' faultClass: 0 for a case without a fault, 255 for bytes that are not to be had.
    function checkDismissal(uint8 said, bytes calldata evidence) external view returns (Outcome memory);
}
