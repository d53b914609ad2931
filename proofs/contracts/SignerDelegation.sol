// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRoundsManager} from "./IRoundsManager.sol";

/// @title SignerDelegation: which keys may sign receipts and windows for a transcoder
/// @notice A transcoder always signs for itself. A key serves one transcoder once: a span of rounds, once written, can be ended but
/// neither moved nor restarted, so nobody can disown what was signed inside it.
contract SignerDelegation {
    struct Span {
        /// @dev first round of the key; 0 when it was never named.
        uint64 fromRound;
        /// @dev last round of the key; 0 while it was not revoked.
        uint64 untilRound;
    }

    /// @notice Source of round numbers.
    IRoundsManager public immutable rounds;
    /// @notice Span of rounds in which a signer speaks for a transcoder.
    mapping(address transcoder => mapping(address signer => Span)) public spans;

    event SignerDelegated(address indexed transcoder, address indexed signer, uint64 fromRound);
    event SignerRevoked(address indexed transcoder, address indexed signer, uint64 untilRound);

    /// @notice The zero address cannot sign, and no round before 1 exists.
    error InvalidDelegation(address signer, uint64 fromRound);
    /// @notice This key was named before; use a new one.
    error AlreadyDelegated(address signer);
    /// @notice This key is not a delegate of the caller, or was revoked before.
    error NotDelegated(address signer);

    constructor(IRoundsManager rounds_) {
        rounds = rounds_;
    }

    /// @notice Names a key that signs for the caller from `fromRound` on.
    function delegate(address signer, uint64 fromRound) external {
        if (signer == address(0) || fromRound == 0) revert InvalidDelegation(signer, fromRound);
        Span storage span = spans[msg.sender][signer];
        if (span.fromRound != 0) revert AlreadyDelegated(signer);
        span.fromRound = fromRound;
        emit SignerDelegated(msg.sender, signer, fromRound);
    }

    /// @notice Ends a key's span with the running round: what it signs for later rounds binds nobody.
    function revoke(address signer) external {
        Span storage span = spans[msg.sender][signer];
        if (span.fromRound == 0 || span.untilRound != 0) revert NotDelegated(signer);
        span.untilRound = uint64(rounds.currentRound());
        emit SignerRevoked(msg.sender, signer, span.untilRound);
    }

    /// @notice Whether `signer` speaks for `transcoder` in `round`.
    function isSigner(address transcoder, address signer, uint256 round) external view returns (bool) {
        return isSignerBetween(transcoder, signer, round, round);
    }

    /// @notice Whether `signer` speaks for `transcoder` in any round of [first, last]; for statements that carry no round.
    function isSignerBetween(address transcoder, address signer, uint256 first, uint256 last) public view returns (bool) {
        if (signer == address(0)) return false;
        if (signer == transcoder) return true;
        Span memory span = spans[transcoder][signer];
        return span.fromRound != 0 && span.fromRound <= last && (span.untilRound == 0 || first <= span.untilRound);
    }
}
