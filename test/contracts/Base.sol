// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The part of forge's cheat codes that these tests use.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }

    function addr(uint256 key) external pure returns (address);
    function assume(bool condition) external pure;
    function chainId(uint256 id) external;
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function deployCode(string calldata artifact, bytes calldata arguments) external returns (address);
    function envOr(string calldata name, string calldata otherwise) external view returns (string memory);
    function expectEmit() external;
    function expectPartialRevert(bytes4 selector) external;
    function expectRevert() external;
    function expectRevert(bytes calldata data) external;
    function getNonce(address account) external view returns (uint64);
    function getRecordedLogs() external returns (Log[] memory);
    function label(address account, string calldata name) external;
    function lastCallGas() external view returns (Gas memory);
    function load(address account, bytes32 slot) external view returns (bytes32);
    function parseBytes(string calldata hexText) external pure returns (bytes memory);
    function prank(address sender) external;
    function readFile(string calldata file) external view returns (string memory);
    function recordLogs() external;
    function roll(uint256 blockNumber) external;
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function snapshotValue(string calldata group, string calldata name, uint256 value) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function store(address account, bytes32 slot, bytes32 value) external;
    function warp(uint256 timestamp) external;
}

/// @title Base: assertions and helpers; forge-std is not to be had from npm in a usable form
abstract contract Base {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    /// @notice forge takes a contract with this flag for a test.
    bool public IS_TEST = true;

    error Failed(string what);
    error NotEqual(string what, uint256 left, uint256 right);
    error NotEqualBytes(string what, bytes32 left, bytes32 right);
    error NotAtMost(string what, uint256 left, uint256 right);

    function isTrue(bool condition, string memory what) internal pure {
        if (!condition) revert Failed(what);
    }

    function eq(uint256 left, uint256 right, string memory what) internal pure {
        if (left != right) revert NotEqual(what, left, right);
    }

    function eq(address left, address right, string memory what) internal pure {
        if (left != right) revert NotEqual(what, uint160(left), uint160(right));
    }

    function eq(bytes32 left, bytes32 right, string memory what) internal pure {
        if (left != right) revert NotEqualBytes(what, left, right);
    }

    function atMost(uint256 left, uint256 right, string memory what) internal pure {
        if (left > right) revert NotAtMost(what, left, right);
    }

    /// @notice Maps a random value into [low, high]; the edges come up often.
    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        if (value >= low && value <= high) return value;
        uint256 size = high - low + 1;
        if (size == 0) return value;
        if (value <= 2) return low + value % size;
        if (type(uint256).max - value <= 2) return high - (type(uint256).max - value) % size;
        return low + (value % size);
    }

    /// @dev Marks the next call as one that must fail with this error, whatever its arguments.
    function fails(bytes4 selector) internal {
        vm.expectPartialRevert(selector);
    }

    /// @dev Calls and returns the selector of the error, or zero when the call went well.
    function errorOf(address target, bytes memory data) internal view returns (bytes4) {
        (bool ok, bytes memory reason) = target.staticcall(data);
        if (ok) return 0;
        return reason.length < 4 ? bytes4(0xffffffff) : bytes4(reason);
    }
}
